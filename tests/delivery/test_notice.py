"""What a notice keeps of what its message had to prove."""

import msgspec
import pytest

from percorso.core.policy.decide import decide
from percorso.core.policy.decision import Decision
from percorso.core.policy.facts import Facts, LookupState, Published
from percorso.core.policy.settings import Settings
from percorso.core.tls.requirement import ENCRYPTED, StsPolicy
from percorso.delivery import sort
from tests.network.credential import GOOD
from tests.network.peer import Peer, Step
from tests.proof.scenery import Scenery

STS = Published(sts=LookupState.FOUND, sts_policy=StsPolicy(id="1", mx=("mx.shop.test",)))


def publishing(facts: Facts, settings: Settings) -> Decision:
    """shop.test has an MTA-STS policy."""
    known = facts.recipient.domain == "shop.test"
    return decide(msgspec.structs.replace(facts, published=STS) if known else facts, settings)


async def test_it_is_encrypted_where_the_destination_published_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sort, "decide", publishing)
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", credential=GOOD, script={Step.RCPT: "550 5.1.1 nobody"}))
    scene.own.credential = None
    queue_id = await scene.deliver("eve@shop.test")
    (notice,) = scene.site.shard.messages.values()
    assert notice.report_of == queue_id
    (recipient,) = scene.site.shard.recipients.values()
    assert recipient.queued.kept.covers(ENCRYPTED)
    assert not scene.own.accepted
