"""A transaction over one connection: judged first, told exactly, and uncertain after the final dot."""

import asyncio

import pytest

from percorso.core.delivery.outcome import Answered, TargetOutcome, Uncertain, Unmet, Unreachable
from percorso.core.mail.envelope import EnvelopeRecipient
from percorso.core.tls.handshake import Handshake
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC, IdentityClause, Requirement
from percorso.core.tls.result import FailureType
from percorso.delivery.connection import Connection, Lost, Stale
from percorso.ports.dialer import ConnectFailed
from percorso.ports.queue import StoreError
from tests.delivery.messages import TEXT, MemoryContent, envelope, to
from tests.delivery.ways import dial
from tests.network.credential import SELF_SIGNED
from tests.network.network import MemoryStream
from tests.network.peer import Action, Fault, Peer, Step
from tests.network.wire import Wire

TRUSTED = Requirement(encrypted=True, identity=(IdentityClause(ca=True),))
BOB = to("bob@bank.test")
BOTH = to("bob@bank.test", "eve@bank.test")
SPOOLED = b"Subject: long\r\n\r\n" + b"a line of the message\r\n" * 20_000


def wire(connection: Connection) -> Wire:
    assert isinstance(connection.stream, MemoryStream)
    return connection.stream.wire


async def send(
    connection: Connection,
    requirement: Requirement = OPPORTUNISTIC,
    recipients: tuple[EnvelopeRecipient, ...] = BOB,
    content: MemoryContent | None = None,
) -> TargetOutcome:
    return await connection.transact(requirement, envelope(), recipients, content or MemoryContent())


async def test_delivered() -> None:
    server = Peer("mx.bank.test")
    outcome = await send(await dial(server))
    assert isinstance(outcome, Answered)
    assert outcome.replies[0].positive
    (mail,) = server.accepted
    assert (mail.sender, mail.recipients, mail.content) == ("a@corp.test", ("bob@bank.test",), TEXT)


class Dripping:
    """A server that sends an octet of its reply now and then."""

    handshake = Handshake()

    def __init__(self, stream: MemoryStream) -> None:
        self.write = stream.write
        self.start_tls = stream.start_tls
        self.close = stream.close
        self.reads = 0

    async def read(self, *, timeout: float) -> bytes:
        self.reads += 1
        if timeout < 0.01:
            raise ConnectFailed("timed out")
        await asyncio.sleep(0.01)
        return b"250-mx.bank.test says hello at great length"[self.reads - 1 : self.reads] or b"x"


class Refusing:
    """A server that says something while the content comes, and is gone before all of it was written."""

    handshake = Handshake()

    def __init__(self, stream: MemoryStream, words: bytes) -> None:
        self._stream = stream
        self._words = words
        self._broken = False
        self.start_tls = stream.start_tls
        self.close = stream.close

    async def write(self, data: bytes, *, timeout: float) -> None:
        if self._broken or len(data) > 10_000:
            self._broken = True
            raise ConnectFailed("connection lost: broken pipe")
        await self._stream.write(data, timeout=timeout)

    async def read(self, *, timeout: float) -> bytes:
        if not self._broken:
            return await self._stream.read(timeout=timeout)
        words, self._words = self._words, b""
        if not words:
            raise ConnectFailed("connection lost: broken pipe")
        return words


async def refused_with(words: bytes, chunk: int) -> TargetOutcome:
    connection = await dial(Peer("mx.bank.test"))
    assert isinstance(connection.stream, MemoryStream)
    connection.stream = Refusing(connection.stream, words)
    return await send(connection, content=MemoryContent(SPOOLED, chunk=chunk))


@pytest.mark.parametrize("chunk", [0, 65_536], ids=["inline", "spooled"])
async def test_a_refusal_that_came_before_the_write_failed_counts(chunk: int) -> None:
    """Else a message that is too large is tried for days."""
    outcome = await refused_with(b"552 5.3.4 too large\r\n", chunk)
    assert isinstance(outcome, Answered)
    assert [str(reply) for reply in outcome.replies] == ["552 5.3.4 too large"]


@pytest.mark.parametrize("words", [b"", b"250 2.0.0 taken already\r\n", b"552 5.3.4 too"])
@pytest.mark.parametrize("chunk", [0, 65_536], ids=["inline", "spooled"])
async def test_nothing_else_counts_then(words: bytes, chunk: int) -> None:
    outcome = await refused_with(words, chunk)
    assert isinstance(outcome, Unreachable if chunk else Uncertain)


async def test_a_reply_that_drips_is_late_in_the_end() -> None:
    connection = await dial(Peer("mx.bank.test"))
    assert isinstance(connection.stream, MemoryStream)
    dripping = Dripping(connection.stream)
    late = Connection(dripping, "mx.bank.test", max_wait=0.1)
    late.session.hello("mta.corp.test")
    with pytest.raises(Lost, match="timed out"):
        await late.ask()
    assert dripping.reads < 20


async def test_a_spooled_message_that_lost_its_end_is_not_handed_over() -> None:
    server = Peer("mx.bank.test")
    short = MemoryContent(SPOOLED, chunk=1000)
    whole = MemoryContent(SPOOLED + b"the last line\r\n", chunk=1000)
    whole.chunks = short.chunks  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="15 octets of the content are missing"):
        await send(await dial(server), content=whole)
    assert server.accepted == []


@pytest.mark.parametrize("chunk", [1000, 65536, len(SPOOLED), len(SPOOLED) - 1])
async def test_a_spooled_message_streams(chunk: int) -> None:
    server = Peer("mx.bank.test")
    content = MemoryContent(SPOOLED, chunk=chunk)
    assert isinstance(await send(await dial(server), content=content), Answered)
    assert server.accepted[0].content == SPOOLED
    assert content.closed


@pytest.mark.parametrize(
    ("server", "requirement", "failure"),
    [
        (Peer("mx.bank.test", credential=None), ENCRYPTED, FailureType.STARTTLS_NOT_SUPPORTED),
        (Peer("mx.bank.test", credential=SELF_SIGNED), TRUSTED, FailureType.CERTIFICATE_NOT_TRUSTED),
    ],
)
async def test_every_message_is_judged_also_on_a_connection_that_served_another(
    server: Peer, requirement: Requirement, failure: FailureType
) -> None:
    connection = await dial(server)
    assert isinstance(await send(connection), Answered)
    connection.reused = True
    before = len(wire(connection).phases[-1].data)
    outcome = await send(connection, requirement)
    assert isinstance(outcome, Unmet)
    assert outcome.failure.type is failure
    assert len(wire(connection).phases[-1].data) == before
    assert isinstance(await send(connection), Answered)


async def test_each_recipient_has_its_own_reply() -> None:
    server = Peer("mx.bank.test", recipients={"bob@bank.test": "550 5.1.1 nobody"})
    outcome = await send(await dial(server), recipients=BOTH)
    assert isinstance(outcome, Answered)
    assert [reply.code for reply in outcome.replies] == [550, 250]


BROKEN: dict[str, tuple[dict[Step, Action], type[TargetOutcome]]] = {
    "dropped at MAIL": ({Step.MAIL: Fault.DROP}, Unreachable),
    "dropped at RCPT": ({Step.RCPT: Fault.DROP}, Unreachable),
    "dropped at DATA": ({Step.DATA: Fault.DROP}, Unreachable),
    "silent at DATA": ({Step.DATA: Fault.SILENCE}, Unreachable),
    "garbage for RCPT": ({Step.RCPT: b"\xff\xfe\r\n"}, Unreachable),
    "2 MB for MAIL": ({Step.MAIL: b"250-x\r\n" * 300_000}, Unreachable),
    "refused at MAIL": ({Step.MAIL: "550 5.7.1 no"}, Answered),
    "busy at MAIL": ({Step.MAIL: "421 4.3.2 busy"}, Answered),
    "refused at DATA": ({Step.DATA: "451 4.3.0 later"}, Answered),
    "refused at the dot": ({Step.CONTENT: "554 5.6.0 no"}, Answered),
    "dropped after the dot": ({Step.CONTENT: Fault.DROP}, Uncertain),
    "taken and dropped": ({Step.CONTENT: Fault.TAKE_AND_DROP}, Uncertain),
    "silent after the dot": ({Step.CONTENT: Fault.SILENCE}, Uncertain),
    "garbage after the dot": ({Step.CONTENT: b"??\r\n"}, Uncertain),
    "half a line after the dot": ({Step.CONTENT: b"250 2.0.0 ta"}, Uncertain),
}


@pytest.mark.parametrize("chunk", [0, 1000], ids=["inline", "spooled"])
@pytest.mark.parametrize(("script", "outcome"), BROKEN.values(), ids=BROKEN)
async def test_how_a_transaction_may_end(script: dict[Step, Action], outcome: type[TargetOutcome], chunk: int) -> None:
    connection = await dial(Peer("mx.bank.test", script=script))
    told = await send(connection, content=MemoryContent(SPOOLED, chunk=chunk))
    assert isinstance(told, outcome)
    if isinstance(told, Unreachable):
        assert told.requirement_met
        assert told.reply.transient
    if not isinstance(told, Answered):
        assert wire(connection).closed


async def test_a_peer_that_stops_reading_is_left() -> None:
    connection = await dial(Peer("mx.bank.test", script={Step.BODY: Fault.SILENCE}))
    told = await send(connection, content=MemoryContent(SPOOLED, chunk=1000))
    assert isinstance(told, Unreachable)
    assert wire(connection).closed


@pytest.mark.parametrize("step", [Step.MAIL])
@pytest.mark.parametrize("action", [Fault.DROP, Fault.SILENCE, "421 4.4.2 idle too long"])
async def test_a_kept_connection_that_is_dead_is_no_answer(step: Step, action: Action) -> None:
    connection = await dial(Peer("mx.bank.test", script={step: [Fault.PASS, action]}))
    assert isinstance(await send(connection), Answered)
    connection.reused = True
    with pytest.raises(Stale):
        await send(connection)
    assert wire(connection).closed


async def test_what_we_say_ourselves_is_no_sign_of_life() -> None:
    script: dict[Step, Action | list[Action]] = {Step.MAIL: [Fault.PASS, "421 4.4.2 idle too long"]}
    connection = await dial(Peer("mx.bank.test", extensions=("PIPELINING",), script=script))
    assert isinstance(await send(connection), Answered)
    connection.reused = True
    with pytest.raises(Stale):
        await send(connection, recipients=to("bob@bank.test", "b\u00f8b@bank.test"))


async def test_all_said_by_ourselves_is_an_answer_also_on_a_kept_connection() -> None:
    connection = await dial(Peer("mx.bank.test", extensions=("PIPELINING",)))
    assert isinstance(await send(connection), Answered)
    connection.reused = True
    assert isinstance(await send(connection, recipients=to("b\u00f8b@bank.test")), Answered)


async def test_a_kept_connection_that_refuses_rset_is_left_and_nothing_is_accepted_on_it() -> None:
    server = Peer("mx.bank.test", script={Step.RCPT: ["451 4.3.0 later"], Step.RSET: "451 4.3.0 later"})
    connection = await dial(server)
    assert isinstance(await send(connection), Answered)
    connection.reused = True
    with pytest.raises(Stale):
        await send(connection)
    assert wire(connection).closed
    assert server.accepted == []


@pytest.mark.parametrize("step", [Step.RCPT, Step.DATA])
async def test_once_mail_is_answered_a_kept_connection_counts(step: Step) -> None:
    connection = await dial(Peer("mx.bank.test", script={step: [Fault.PASS, Fault.DROP]}))
    assert isinstance(await send(connection), Answered)
    connection.reused = True
    assert isinstance(await send(connection), Unreachable)


async def test_a_kept_connection_lost_after_the_dot_is_uncertain() -> None:
    connection = await dial(Peer("mx.bank.test", script={Step.CONTENT: [Fault.PASS, Fault.DROP]}))
    assert isinstance(await send(connection), Answered)
    connection.reused = True
    assert isinstance(await send(connection), Uncertain)


async def test_what_the_peer_lacks_is_a_permanent_result_and_nothing_is_sent() -> None:
    server = Peer("mx.bank.test", extensions=("PIPELINING",))
    connection = await dial(server)
    eight_bit = await connection.transact(OPPORTUNISTIC, envelope(eight_bit=True), BOB, MemoryContent())
    utf8 = await connection.transact(OPPORTUNISTIC, envelope(), to("bøb@bank.test"), MemoryContent())
    assert isinstance(eight_bit, Answered)
    assert isinstance(utf8, Answered)
    assert [eight_bit.replies[0].enhanced, utf8.replies[0].enhanced] == ["5.6.3", "5.6.7"]
    assert b"MAIL" not in wire(connection).phases[-1].data
    assert isinstance(await send(connection), Answered)


async def test_a_spool_that_fails_ends_the_connection_before_the_dot() -> None:
    server = Peer("mx.bank.test")
    connection = await dial(server)
    with pytest.raises(OSError, match="disk"):
        await send(connection, content=MemoryContent(SPOOLED, chunk=1000, error=OSError("the disk is gone")))
    assert wire(connection).closed
    assert not wire(connection).phases[-1].data.endswith(b"\r\n.\r\n")
    assert server.accepted == []


@pytest.mark.parametrize(("step", "outcome"), [(Step.CONTENT, Uncertain), (Step.MAIL, None)])
async def test_cancelled_after_the_dot_is_uncertain(step: Step, outcome: type[TargetOutcome] | None) -> None:
    """A stop in the middle of a transaction: after the dot it ends it, before it nothing was delivered."""
    connection = await dial(Peer("mx.bank.test", script={step: Fault.SILENCE}))
    waiting = asyncio.Event()
    read = connection.stream.read

    async def read_for_ever(*, timeout: float) -> bytes:
        if connection.session.dot_sent or step is Step.MAIL:
            waiting.set()
            await asyncio.Event().wait()
        return await read(timeout=timeout)

    connection.stream.read = read_for_ever  # type: ignore[method-assign]
    task = asyncio.create_task(send(connection))
    await waiting.wait()
    task.cancel()
    if outcome is None:
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert isinstance(await task, outcome)
    assert wire(connection).closed
