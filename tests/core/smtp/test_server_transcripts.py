"""Every server transcript, with its input cut in every way."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from percorso.core.mail.address import Address
from percorso.core.mail.reply import Reply
from percorso.core.smtp.events import Authenticate, Closed, Content, ContentRefused, MessageReceived, StartTls
from percorso.core.smtp.extensions import Limits, Security
from percorso.core.smtp.server import ServerSession
from percorso.core.smtp.states import State
from tests.core.smtp.transcript import Line, paths, read, splits


def admit_sender(sender: Address | None) -> Reply | None:
    """Refuse one domain, and say that the store is full to another."""
    if sender is not None and sender.domain == "foreign.test":
        return Reply(code=550, enhanced="5.7.1", text="only senders of corp.test may send here")
    if sender is not None and sender.domain == "full.test":
        return Reply(code=452, enhanced="4.3.1", text="the queue is full")
    return None


def admit_recipient(recipient: Address) -> Address | Reply:
    """Refuse one domain, and give the postmaster of none another."""
    refused = Reply(code=550, enhanced="5.1.1", text="no such user")
    return refused if recipient.domain == "unknown.test" else replace(recipient, domain=recipient.domain or "corp.test")


def verdict(attempt: Authenticate) -> Reply:
    """One account, and another that nobody knows anything of now."""
    if attempt.identity == "busy":
        return Reply(code=454, enhanced="4.7.0", text="try again later")
    right = (attempt.identity, attempt.password) == ("anna", "tàlpa 1234")
    return Reply(code=235, enhanced="2.7.0", text="OK") if right else Reply(code=535, enhanced="5.7.8", text="wrong")


class Listener:
    """Drives one session as reception does, and writes down what happens."""

    def __init__(self, options: str) -> None:
        words = options.split()
        numbers = {key: int(value) for key, _, value in (word.partition("=") for word in words) if value}
        self.session = ServerSession(
            hostname="mx.test",
            limits=Limits(**numbers),
            security=Security(starttls="tls" in words, encrypted="encrypted" in words, auth="auth" in words),
            admit_sender=admit_sender,
            admit_recipient=admit_recipient,
        )
        self.said = b""
        self.messages: list[str] = []
        self.content = b""
        self.refused = 0
        self.closed = False
        self.session.greet()
        self.run()

    def receive(self, data: bytes) -> None:
        """Octets from the client; after the end of the session nobody reads them."""
        if not self.closed:
            self.session.receive_data(data)
            self.run()

    def run(self) -> None:
        """Act on all events, then write."""
        while (event := self.session.next_event()) is not None:
            match event:
                case Content(data):
                    self.content += data
                case MessageReceived():
                    self.messages.append(describe(event, self.content))
                    self.content = b""
                    self.session.answer(Reply(code=250, enhanced="2.0.0", text="queued as ID"))
                case ContentRefused():
                    self.content = b""
                    self.refused += 1
                case Closed():
                    self.closed = True
                case Authenticate():
                    assert self.session.state is State.VERIFY
                    self.session.authenticated(verdict(event))
                case StartTls():
                    assert self.session.state is State.HANDSHAKE
        self.said += self.session.data_to_send()


def describe(message: MessageReceived, content: bytes) -> str:
    """A message as a transcript tells it."""
    envelope = message.envelope
    words = [f"<{envelope.sender or ''}>"]
    for recipient in message.recipients:
        words += [f"<{recipient.address}>", *recipient.parameters.notify]
        words += [recipient.parameters.orcpt] if recipient.parameters.orcpt else []
    words += ["8bit"] if envelope.eight_bit else []
    words += ["smtputf8"] if envelope.smtputf8 else []
    words += ["requiretls"] if envelope.requiretls else []
    words += [word for word in (envelope.ret, envelope.envid) if word]
    return " ".join([*words, ascii(content)[1:]])


def phases(lines: list[Line]) -> list[list[Line]]:
    """The transcript, cut at the handshakes."""
    parts: list[list[Line]] = [[]]
    for line in lines:
        if line.mark == "TLS":
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def play(lines: list[Line], cut: int) -> tuple[list[bytes], Listener]:
    """Run the dialog with the nth way of cutting; what was said in each phase."""
    listener = Listener(" ".join(line.text for line in lines if line.mark == "@"))
    said = []
    for number, part in enumerate(phases(lines)):
        if number:
            listener.session.tls_established()
        data = b"".join(line.octets for line in part if line.mark in ("C:", "C|"))
        for index, chunks in enumerate(splits(data)):
            if index == cut:
                for chunk in chunks:
                    listener.receive(chunk)
                break
        else:
            listener.receive(data)
        said.append(listener.said)
        listener.said = b""
    return said, listener


@pytest.mark.parametrize("path", paths("server"), ids=lambda path: path.stem)
def test_dialog(path: Path) -> None:
    lines = read(path)
    longest = max(len(b"".join(line.octets for line in part if line.mark[0] == "C")) for part in phases(lines))
    for cut in range(len(list(splits(b"x" * longest)))):
        said, listener = play(lines, cut)
        for part, octets in zip(phases(lines), said, strict=True):
            expected = [line for line in part if line.mark == "S:"]
            got = octets.splitlines(keepends=True)
            wrong = [(e.text, g) for e, g in zip(expected, got, strict=False) if not e.matches(g)]
            assert not wrong, f"cut {cut}: expected, got: {wrong[0]}"
            assert len(got) == len(expected), f"cut {cut}: {octets!r}"
        assert listener.messages == [line.text for line in lines if line.mark == "M:"], f"cut {cut}"


def test_there_are_transcripts() -> None:
    assert len(paths("server")) >= 20
