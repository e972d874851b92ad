r"""Dialogs as files: what each side says, line by line, and what comes of it.

    # a comment
    @ size=2000 tls                what the session is made with (server) or other directions
    C: EHLO client.test            the client says this line, with CRLF
    C| MAIL FR                     the client says just these octets
    S: 250-mx.test                 the server says this line
    S: 250 2.1.0 *                 a line that begins like this
    M: <a@corp.test> ...           a message was received (server), see `describe`
    TLS                            the handshake; nothing before it is known after it
    > send <a@x.test> <b@y.test>   the caller asks the client for this
    = rcpt 550 no                  the client's result

In the text `\r`, `\n`, `\0`, `\xNN` and `\\` stand for octets.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent / "transcripts"
_ESCAPE = re.compile(rb"\\(r|n|0|\\|x[0-9a-f]{2})")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"\\": b"\\"}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a transcript: its mark and what follows."""

    mark: str
    text: str

    @property
    def octets(self) -> bytes:
        """What goes over the wire."""
        raw = _ESCAPE.sub(lambda m: _PLAIN.get(m[1]) or bytes([int(m[1][1:], 16)]), self.text.encode("utf-8"))
        return raw if self.mark.endswith("|") else raw + b"\r\n"

    def matches(self, said: bytes) -> bool:
        """Whether what was said is this line."""
        expected = self.octets
        return said.startswith(expected[:-3]) if self.text.endswith("*") else said == expected


def read(path: Path) -> list[Line]:
    """The lines of a transcript."""
    lines = []
    for text in path.read_text("utf-8").splitlines():
        if text and not text.startswith("#"):
            match = re.fullmatch(r"(C[:|]|S[:|]|M:|TLS|@|>|=)(?: (.*))?", text)
            assert match, f"{path.name}: not a transcript line: {text!r}"
            lines.append(Line(mark=match[1], text=match[2] or ""))
    return lines


def paths(kind: str) -> list[Path]:
    """All transcripts of one kind."""
    return sorted((FOLDER / kind).glob("*.txt"))


def splits(data: bytes) -> Iterator[list[bytes]]:
    """Ways to cut the input: whole, octet by octet, and in two at every place (in long input: at some)."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    step = max(1, len(data) // 150)
    for cut in range(1, len(data), step):
        yield [data[:cut], data[cut:]]
