"""What stops a connection is told exactly: the table at the top of `dial.py`, row by row."""

import pytest

from percorso.core.delivery.outcome import Unmet, Unreachable
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC, IdentityClause, Requirement
from percorso.core.tls.result import FailureType
from percorso.delivery.dial import NoConnection
from tests.delivery.ways import dial
from tests.network.credential import GOOD, SELF_SIGNED
from tests.network.peer import Fault, Peer, Step

TRUSTED = Requirement(encrypted=True, identity=(IdentityClause(ca=True),))
NO_STARTTLS = FailureType.STARTTLS_NOT_SUPPORTED
HANDSHAKE = FailureType.TLS_HANDSHAKE_FAILURE


def peer(script: dict[Step, object] | None = None, **more: object) -> Peer:
    return Peer("mx.bank.test", script=script or {}, **more)  # type: ignore[arg-type]


UNREACHABLE = {
    "refused": peer({Step.DIAL: Fault.DROP}),
    "connect timed out": peer({Step.DIAL: Fault.SILENCE}),
    "closed before the greeting": peer({Step.GREETING: Fault.DROP}),
    "silent before the greeting": peer({Step.GREETING: Fault.SILENCE}),
    "garbage for a greeting": peer({Step.GREETING: b"\x16\x03\x01\r\n"}),
    "2 MB of greeting": peer({Step.GREETING: b"220-x\r\n" * 300_000}),
    "half a line": peer({Step.GREETING: b"220 mx.bank"}),
    "greeting 554": peer({Step.GREETING: "554 5.7.1 go away"}),
    "greeting 421": peer({Step.GREETING: "421 4.3.2 busy"}),
    "dropped at EHLO": peer({Step.EHLO: Fault.DROP}),
    "silent at EHLO": peer({Step.EHLO: Fault.SILENCE}),
}


@pytest.mark.parametrize("requirement", [OPPORTUNISTIC, ENCRYPTED], ids=str)
@pytest.mark.parametrize("server", UNREACHABLE.values(), ids=UNREACHABLE)
async def test_before_an_answer_to_ehlo_the_server_is_unreachable(server: Peer, requirement: Requirement) -> None:
    with pytest.raises(NoConnection) as raised:
        await dial(server, requirement)
    outcome = raised.value.outcome
    assert isinstance(outcome, Unreachable)
    assert not outcome.requirement_met
    assert outcome.reply.code >= 400
    assert outcome.reply.enhanced[:1] in {"4", "5"}


NO_TLS = {
    "EHLO 4xx": (peer({Step.EHLO: "451 4.3.0 later"}), NO_STARTTLS, False),
    "EHLO 5xx": (peer({Step.EHLO: "502 5.5.1 what?", Step.HELO: "502 5.5.1 what?"}), NO_STARTTLS, False),
    "HELO only": (peer({Step.EHLO: "502 5.5.1 what?"}), NO_STARTTLS, False),
    "not offered": (peer(credential=None), NO_STARTTLS, False),
    "stripped by a firewall": (peer(starttls_keyword="XXXXXXXA"), NO_STARTTLS, False),
    "STARTTLS 454": (peer({Step.STARTTLS: "454 4.7.0 not now"}), NO_STARTTLS, False),
    "STARTTLS 502": (peer({Step.STARTTLS: "502 5.5.1 no"}), NO_STARTTLS, False),
    "STARTTLS 421": (peer({Step.STARTTLS: "421 4.7.0 bye"}), NO_STARTTLS, True),
    "drop after STARTTLS": (peer({Step.STARTTLS: Fault.DROP}), HANDSHAKE, True),
    "silence after STARTTLS": (peer({Step.STARTTLS: Fault.SILENCE}), HANDSHAKE, True),
    "garbage after STARTTLS": (peer({Step.STARTTLS: b"\x00\x01\x02\r\n"}), HANDSHAKE, True),
    "plaintext behind the 220": (peer(inject=b"250-STARTTLS\r\n"), HANDSHAKE, True),
    "handshake fails": (peer({Step.HANDSHAKE: Fault.FAIL}), HANDSHAKE, True),
    "handshake dropped": (peer({Step.HANDSHAKE: Fault.DROP}), HANDSHAKE, True),
    "handshake times out": (peer({Step.HANDSHAKE: Fault.SILENCE}), HANDSHAKE, True),
}


@pytest.mark.parametrize(("server", "failure", "reconnect"), NO_TLS.values(), ids=NO_TLS)
async def test_without_tls_a_requirement_fails_with_its_type(
    server: Peer, failure: FailureType, *, reconnect: bool
) -> None:
    with pytest.raises(NoConnection) as raised:
        await dial(server, ENCRYPTED)
    outcome = raised.value.outcome
    assert isinstance(outcome, Unmet)
    assert outcome.failure.type is failure
    assert outcome.failure.detail


GOES_ON = ["HELO only", "not offered", "stripped by a firewall", "STARTTLS 454", "STARTTLS 502"]


@pytest.mark.parametrize("row", GOES_ON)
async def test_opportunistic_goes_on_in_plaintext_where_tls_is_not_to_be_had(row: str) -> None:
    connection = await dial(NO_TLS[row][0], OPPORTUNISTIC)
    assert not connection.handshake.encrypted
    assert connection.session.reusable


@pytest.mark.parametrize("row", [row for row, (_, _, reconnect) in NO_TLS.items() if reconnect])
async def test_opportunistic_needs_a_new_connection_after_a_failed_handshake(row: str) -> None:
    server, failure, _ = NO_TLS[row]
    with pytest.raises(NoConnection) as raised:
        await dial(server, OPPORTUNISTIC)
    outcome = raised.value.outcome
    assert isinstance(outcome, Unmet)
    assert outcome.failure.type is failure
    assert outcome.reconnect


async def test_without_tls_only_if_opportunistic() -> None:
    assert not (await dial(peer(), OPPORTUNISTIC, tls=False)).handshake.encrypted
    with pytest.raises(NoConnection) as raised:
        await dial(peer(), ENCRYPTED, tls=False)
    assert isinstance(raised.value.outcome, Unmet)


LATE = {
    "refused": peer({Step.EHLO_TLS: "554 5.7.1 no"}),
    "dropped": peer({Step.EHLO_TLS: Fault.DROP}),
    "silent": peer({Step.EHLO_TLS: Fault.SILENCE}),
}


@pytest.mark.parametrize("server", LATE.values(), ids=LATE)
async def test_once_encrypted_an_end_is_no_reason_to_divert(server: Peer) -> None:
    with pytest.raises(NoConnection) as raised:
        await dial(server, TRUSTED)
    assert isinstance(raised.value.outcome, Unreachable)
    assert raised.value.outcome.requirement_met
    assert raised.value.handshake.encrypted


@pytest.mark.parametrize("script", [server.script for server in LATE.values()], ids=LATE)
async def test_once_encrypted_what_the_handshake_showed_decides(script: dict[Step, object]) -> None:
    with pytest.raises(NoConnection) as raised:
        await dial(peer(script, credential=SELF_SIGNED), TRUSTED)
    outcome = raised.value.outcome
    assert isinstance(outcome, Unmet)
    assert outcome.failure.type is FailureType.CERTIFICATE_NOT_TRUSTED


async def test_starttls_forgets_what_was_said_before() -> None:
    server = peer(extensions=("PIPELINING", "SIZE 100"), extensions_tls=("REQUIRETLS",))
    connection = await dial(server, ENCRYPTED)
    assert connection.session.capabilities.offers("REQUIRETLS")
    assert not connection.session.capabilities.offers("STARTTLS")
    assert connection.handshake.requiretls_offered


async def test_requiretls_offered_in_plaintext_counts_for_nothing() -> None:
    connection = await dial(peer(extensions=("REQUIRETLS",), credential=None), OPPORTUNISTIC)
    assert not connection.handshake.requiretls_offered


async def test_implicit_tls() -> None:
    connection = await dial(peer(implicit_tls=True, credential=GOOD), TRUSTED)
    assert connection.handshake.encrypted


@pytest.mark.parametrize("requirement", [OPPORTUNISTIC, ENCRYPTED], ids=str)
async def test_implicit_tls_never_falls_back_to_plaintext(requirement: Requirement) -> None:
    for tls in (True, False):
        with pytest.raises(NoConnection) as raised:
            await dial(peer({Step.HANDSHAKE: Fault.FAIL}, implicit_tls=True), requirement, tls=tls)
        assert isinstance(raised.value.outcome, Unmet)
        assert raised.value.outcome.failure.type is HANDSHAKE
