"""Every client transcript, with what the server says cut in every way."""

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from percorso.core.mail.address import parse_address
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient, RecipientParameters
from percorso.core.smtp.auth import login
from percorso.core.smtp.client import ClientSession, Result
from percorso.core.smtp.errors import RemoteProtocolError
from percorso.core.smtp.result import Answer, TransactionResult
from percorso.core.smtp.transaction import Transaction
from tests.core.smtp.transcript import Line, paths, read, splits


class Caller:
    """Drives one session as delivery does, and writes down what happens."""

    def __init__(self) -> None:
        self.session = ClientSession()
        self.sent = b""
        self.results: list[str] = []

    def ask(self, text: str) -> None:
        """One operation, as the transcript words it."""
        verb, _, rest = text.partition(" ")
        match verb:
            case "hello":
                self.session.hello(rest)
            case "hello-or-helo":
                self.session.hello(rest, allow_helo=True)
            case "send":
                self.session.send(transaction(rest))
            case "login":
                name, password = rest.split()
                offered = self.session.capabilities.keywords["AUTH"]
                self.session.authenticate(login(offered, name, password))
            case "abort":
                self.results += describe(self.session.abort())
            case "starttls" | "reset" | "quit" | "tls_established":
                getattr(self.session, verb)()
            case _:
                pytest.fail(f"no such operation: {text}")
        self.pull()

    def receive(self, data: bytes) -> None:
        """What the server says."""
        try:
            self.session.receive_data(data)
        except RemoteProtocolError as error:
            self.results.append(f"error {error.problem}")
        self.pull()

    def pull(self) -> None:
        """Write what there is, and look for the result."""
        while data := self.session.data_to_send():
            self.sent += data
        if (result := self.session.next_result()) is not None:
            self.results += describe(result)


def transaction(text: str) -> Transaction:
    """`<sender> <recipient>… [8bit] [smtputf8] [requiretls] [RET=…] [ENVID=…] 'content'`.

    `NOTIFY=…` and `ORCPT=…` belong to the recipient before them.
    """
    words, _, content = text.partition(" '")
    sender, *others = words.split()
    given = dict(word.split("=", 1) for word in others if word.startswith(("RET=", "ENVID=")))
    data = ast.literal_eval("b'" + content)
    return Transaction(
        envelope=Envelope(
            sender=parse_address(sender.strip("<>")) if sender != "<>" else None,
            eight_bit="8bit" in others,
            smtputf8="smtputf8" in others,
            requiretls="requiretls" in others,
            ret=given.get("RET", ""),
            envid=given.get("ENVID", ""),
        ),
        recipients=tuple(recipients(others)),
        size=len(data),
        content=[data[:1], data[1:]],
    )


def recipients(words: list[str]) -> Iterator[EnvelopeRecipient]:
    """Each path with the parameters behind it."""
    places = [place for place, word in enumerate(words) if word.startswith("<")]
    for place, end in zip(places, [*places[1:], len(words)], strict=True):
        given = dict(word.split("=", 1) for word in words[place + 1 : end] if "=" in word)
        notify = tuple(given["NOTIFY"].split(",")) if "NOTIFY" in given else ()
        parameters = RecipientParameters(notify=notify, orcpt=given.get("ORCPT", ""))
        yield EnvelopeRecipient(address=parse_address(words[place].strip("<>")), parameters=parameters)


def describe(result: Result | None) -> list[str]:
    """A result as a transcript tells it: one line for an answer, one for each recipient of a transaction."""
    if result is None:
        return ["nothing"]
    if isinstance(result, Answer):
        return [f"{result.stage} {result.reply}"]
    lines = [describe_recipient(answer, result) for answer in result.answers]
    return [*lines, f"lacking {result.lacking}"] if result.lacking else lines


def describe_recipient(answer: Answer | None, result: TransactionResult) -> str:
    if answer is None:
        return "uncertain" if result.uncertain else "no answer"
    return f"{answer.stage} {answer.reply}{' (ours)' if answer.local else ''}"


def play(lines: list[Line], cut: int) -> None:
    """Run the dialog with the nth way of cutting."""
    caller = Caller()
    for kind, group in groupby(lines, key=lambda line: line.mark[0]):
        block = list(group)
        if kind == "C":
            assert caller.sent == b"".join(line.octets for line in block), f"cut {cut}"
            caller.sent = b""
            continue
        if kind == "=":
            assert caller.results == [line.text for line in block], f"cut {cut}"
            caller.results = []
            continue
        assert not caller.sent, f"cut {cut}: said without being expected to, before {block[0]}"
        assert not caller.results, f"cut {cut}: a result that is not expected, before {block[0]}"
        if kind == ">":
            for line in block:
                caller.ask(line.text)
        else:
            data = b"".join(line.octets for line in block)
            ways = list(splits(data))
            for chunk in ways[min(cut, len(ways) - 1)]:
                caller.receive(chunk)
    assert not caller.sent, f"cut {cut}"
    assert not caller.results, f"cut {cut}"


@pytest.mark.parametrize("path", paths("client"), ids=lambda path: path.stem)
def test_dialog(path: Path) -> None:
    lines = read(path)
    blocks = groupby(lines, key=lambda line: line.mark[0])
    longest = max(len(b"".join(line.octets for line in block)) for kind, block in blocks if kind == "S")
    for cut in range(len(list(splits(b"x" * longest)))):
        play(lines, cut)


def test_there_are_transcripts() -> None:
    assert len(paths("client")) >= 15
