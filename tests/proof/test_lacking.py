"""What a message needs and the peer lacks: who gets it all the same, and what the sender reads."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from percorso.core.delivery.outcome import Status
from tests.network.peer import Peer
from tests.proof.scenery import Scenery

EVE = "eve@shop.test"
BOSSE = "b\u00f8sse@shop.test"


def told(bounce: bytes) -> str:
    """The text of a notice, on one line."""
    notice = email.message_from_bytes(bounce, policy=email.policy.default)
    assert isinstance(notice, EmailMessage)
    return " ".join(next(notice.iter_parts()).get_content().split())


@pytest.fixture
async def scene() -> Scenery:
    return Scenery()


@pytest.fixture
async def shop(scene: Scenery) -> Peer:
    shop = Peer("mx.shop.test", extensions=("PIPELINING",))
    scene.domain("shop.test", shop)
    return shop


async def test_8_bit_text_needs_8bitmime(scene: Scenery, shop: Peer) -> None:
    await scene.deliver(EVE, eight_bit=True)
    result = scene.site.ledger.last(EVE)
    assert (result.status, result.reply.enhanced) == (Status.FAILED, "5.6.3")
    (bounce,) = scene.own.accepted
    assert "Have the sending program encode such content" in told(bounce.content)
    assert shop.accepted == []
    await scene.site.close()


async def test_only_the_recipient_that_needs_smtputf8_fails_without_it(scene: Scenery, shop: Peer) -> None:
    await scene.deliver(EVE, BOSSE)
    assert [mail.recipients for mail in shop.accepted] == [(EVE,)]
    result = scene.site.ledger.last(BOSSE)
    assert (result.status, result.reply.enhanced) == (Status.FAILED, "5.6.7")
    (bounce,) = scene.own.accepted
    assert "Ask the administrators of shop.test to enable SMTPUTF8." in told(bounce.content)
    await scene.site.close()
