"""Our client against our server, joined in memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percorso.core.mail.address import Address
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.smtp.client import ClientSession, Result
from percorso.core.smtp.data import to_wire
from percorso.core.smtp.errors import LocalProtocolError
from percorso.core.smtp.events import Closed, Content, ContentRefused, MessageReceived, StartTls
from percorso.core.smtp.extensions import Limits, Security
from percorso.core.smtp.result import Answer, Stage, TransactionResult
from percorso.core.smtp.server import ServerSession
from percorso.core.smtp.transaction import Transaction

QUEUED = Reply(code=250, enhanced="2.0.0", text="queued as ID")


class ConnectionPair:
    """A client and a server, with a wire between them that cuts what it carries into pieces."""

    def __init__(self, *, piece: int = 0, offers_tls: bool = True, size: int = 1_000_000) -> None:
        self.client = ClientSession()
        self.server = ServerSession(
            hostname="mx.test",
            limits=Limits(size=size),
            security=Security(starttls=offers_tls),
            admit_recipient=lambda one: Reply(code=550, enhanced="5.1.1", text="no") if one.local == "bad" else one,
        )
        self.received: list[tuple[MessageReceived, bytes]] = []
        self.answer = QUEUED
        self._piece = piece
        self._content = b""
        self.server.greet()

    def run(self) -> Result:
        """Carry octets to and fro until the client has its result."""
        while (result := self.client.next_result()) is None:
            said = self._serve()
            if said:
                for part in self._pieces(said):
                    self.client.receive_data(part)
            else:
                for part in self._pieces(self.client.data_to_send()):
                    self.server.receive_data(part)
                    self._act()
        return result

    def _pieces(self, data: bytes) -> list[bytes]:
        piece = self._piece or len(data) or 1
        return [data[at : at + piece] for at in range(0, len(data), piece)]

    def _serve(self) -> bytes:
        self._act()
        return self.server.data_to_send()

    def _act(self) -> None:
        while (event := self.server.next_event()) is not None:
            match event:
                case Content(data):
                    self._content += data
                case MessageReceived():
                    self.received.append((event, self._content))
                    self._content = b""
                    self.server.answer(self.answer)
                case ContentRefused() | StartTls() | Closed():
                    self._content = b""

    def hello(self) -> None:
        """Greeting and EHLO."""
        self.client.hello("client.test")
        result = self.run()
        assert isinstance(result, Answer)
        assert (result.stage, result.reply.code) == (Stage.EHLO, 250)

    def send(self, transaction: Transaction) -> TransactionResult:
        """One transaction."""
        self.client.send(transaction)
        result = self.run()
        assert isinstance(result, TransactionResult)
        return result


def transaction(content: bytes, *recipients: str, sender: Address | None = None, pieces: int = 1) -> Transaction:
    """A message in wire form, in so many chunks."""
    step = len(content) // pieces + 1
    return Transaction(
        envelope=Envelope(sender=sender, eight_bit=not content.isascii()),
        recipients=tuple(EnvelopeRecipient(address=Address(local=one, domain="dest.test")) for one in recipients),
        size=len(content),
        content=[content[at : at + step] for at in range(0, len(content), step)],
    )


LINES = st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b"")), max_size=20)


@settings(deadline=None)
@given(LINES, st.integers(0, 50), st.integers(1, 5), st.lists(st.sampled_from(["b", "bad", "é"]), min_size=1))
def test_what_is_sent_is_what_is_received(lines: list[bytes], piece: int, pieces: int, names: list[str]) -> None:
    content = to_wire(b"".join(line + b"\r\n" for line in lines))
    pair = ConnectionPair(piece=piece)
    pair.hello()
    for _ in range(2):  # the connection carries more than one message
        pair.received.clear()
        result = pair.send(transaction(content, *names, pieces=pieces))
        wanted = [name for name in names if name != "bad"]
        assert [answer.reply.code for answer in result.answers if answer] == [
            550 if name == "bad" else 250 for name in names
        ]
        assert not result.uncertain
        if wanted:
            ((message, received),) = pair.received
            assert received == content
            assert [one.address.local for one in message.recipients] == wanted
            assert message.envelope.eight_bit == (not content.isascii())
        else:
            assert not pair.received
        assert pair.client.reusable


def test_starttls_forgets_on_both_sides() -> None:
    pair = ConnectionPair()
    pair.hello()
    assert pair.client.capabilities.offers("STARTTLS")
    pair.client.starttls()
    result = pair.run()
    assert isinstance(result, Answer)
    assert result.reply.code == 220
    pair.client.tls_established()
    pair.server.tls_established()
    assert not pair.client.capabilities.offers("PIPELINING")
    with pytest.raises(LocalProtocolError):
        pair.client.send(transaction(b"x\r\n", "b"))
    pair.hello()
    assert not pair.client.capabilities.offers("STARTTLS")
    assert pair.send(transaction(b"x\r\n", "b")).answers[0] == Answer(stage=Stage.CONTENT, reply=QUEUED)


def test_message_over_the_announced_size() -> None:
    pair = ConnectionPair(size=100)
    pair.hello()
    assert pair.client.capabilities.max_size == 100
    (answer,) = pair.send(transaction(b"x\r\n" * 50, "b")).answers
    assert answer
    assert (answer.stage, str(answer.reply)[:9]) == (Stage.MAIL, "552 5.3.4")
    assert pair.send(transaction(b"x\r\n", "b")).answers[0] == Answer(stage=Stage.CONTENT, reply=QUEUED)


def test_refused_message_leaves_the_connection_whole() -> None:
    pair = ConnectionPair()
    pair.hello()
    pair.answer = Reply(code=452, enhanced="4.3.1", text="full")
    (answer,) = pair.send(transaction(b"x\r\n", "b")).answers
    assert answer == Answer(stage=Stage.CONTENT, reply=pair.answer)
    pair.answer = QUEUED
    assert pair.send(transaction(b"x\r\n", "b")).answers[0] == Answer(stage=Stage.CONTENT, reply=QUEUED)
    pair.client.quit()
    assert pair.run() == Answer(stage=Stage.QUIT, reply=Reply(code=221, enhanced="2.0.0", text="bye"))
    assert not pair.client.reusable


def test_content_that_comes_later() -> None:
    """A spooled message is added chunk by chunk, when the session wants it."""
    pair = ConnectionPair()
    pair.hello()
    whole = transaction(b"", "b")
    pair.client.send(Transaction(envelope=whole.envelope, recipients=whole.recipients, size=6, content=None))
    chunks = [b"one\r\n", b"t", b"wo\r\n", b""]
    while (result := pair.client.next_result()) is None:
        if data := pair.client.data_to_send():
            pair.server.receive_data(data)
        elif pair.client.wants_content:
            assert not pair.client.dot_sent
            pair.client.add_content(chunks.pop(0))
        else:
            assert pair.client.dot_sent == (not chunks)
            pair.client.receive_data(pair._serve())
    assert isinstance(result, TransactionResult)
    assert result.answers[0] == Answer(stage=Stage.CONTENT, reply=QUEUED)
    assert pair.received[0][1] == b"one\r\ntwo\r\n"
