"""Replies on the wire: writing ours, and reading a peer's within bounds (RFC 5321, 4.2)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from percorso.core.mail.reply import Reply, reply_from_lines
from percorso.core.smtp.errors import LocalProtocolError, Problem, RemoteProtocolError

MAX_LINE: Final = 4096  # octets; RFC 5321, 4.5.3.1.5 has 512, real servers write more
MAX_REPLY: Final = 128 * 1024  # octets
MAX_LINES: Final = 200

_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_UNSAFE: Final = re.compile(r"[\r\n\0]")


@lru_cache(maxsize=256)
def format_reply(reply: Reply) -> bytes:
    """One reply line; raises `LocalProtocolError` for a text that would make two."""
    if _UNSAFE.search(reply.text) or not 200 <= reply.code <= 559:
        raise LocalProtocolError(f"not a reply of one line: {reply!r}")
    return f"{reply}\r\n".encode("ascii", "backslashreplace")


def format_lines(code: int, lines: Sequence[str]) -> bytes:
    """A reply of several lines, without enhanced codes, as EHLO needs it (RFC 2034, 4)."""
    first = "".join(f"{code}-{line}\r\n" for line in lines[:-1])
    return f"{first}{code} {lines[-1]}\r\n".encode("ascii")


class PeerReply(msgspec.Struct, frozen=True, kw_only=True):
    """A complete reply as it came: the code and the text of each line."""

    code: int
    lines: list[str]

    @property
    def reply(self) -> Reply:
        """The reply as a value, its enhanced code told apart."""
        if len(self.lines) == 1:
            return _reply_of_one_line(self.code, self.lines[0])
        return reply_from_lines(self.code, self.lines)


@lru_cache(maxsize=256)  # servers say the same to every message
def _reply_of_one_line(code: int, text: str) -> Reply:
    return reply_from_lines(code, [text])


class ReplyReader:
    """Cuts a peer's bytes into replies. A bare LF also ends a line here: it can hide nothing from anyone."""

    __slots__ = ("_buffer", "_code", "_lines", "_read", "_size")

    def __init__(self) -> None:
        self._buffer = b""
        self._read = 0  # octets of the buffer that are done with
        self._begin()

    def _begin(self) -> None:
        self._code = 0
        self._lines: list[str] = []
        self._size = 0

    @property
    def pending(self) -> bool:
        """Whether input waits that has not been given out as a reply."""
        return len(self._buffer) > self._read or bool(self._lines)

    def feed(self, data: bytes) -> None:
        """Take in bytes."""
        self._buffer = self._buffer[self._read :] + data
        self._read = 0

    def next_reply(self) -> PeerReply | None:
        """The next complete reply, or None; raises `RemoteProtocolError`."""
        while (end := self._buffer.find(b"\n", self._read, self._read + MAX_LINE) + 1) > 0:
            line = self._buffer[self._read : end]
            self._read = end
            if self._take_line(line):
                complete = PeerReply(code=self._code, lines=self._lines)
                self._begin()
                return complete
        if len(self._buffer) - self._read >= MAX_LINE:
            raise RemoteProtocolError(Problem.REPLY_TOO_LONG, f"a reply line of more than {MAX_LINE} octets")
        return None

    def _take_line(self, line: bytes) -> bool:
        """Add a line to the reply; whether it was the last."""
        code, last, text = _read_line(line)
        if self._lines and code != self._code:
            raise RemoteProtocolError(
                Problem.MALFORMED_REPLY, f"a reply that begins with {self._code} goes on with {code}"
            )
        self._code = code
        self._lines.append(text)
        self._size += len(line)
        if self._size > MAX_REPLY or len(self._lines) > MAX_LINES:
            raise RemoteProtocolError(
                Problem.REPLY_TOO_LONG, f"a reply of more than {MAX_LINES} lines or {MAX_REPLY} octets"
            )
        return last


@lru_cache(maxsize=256)
def _read_line(line: bytes) -> tuple[int, bool, str]:
    """The code of a line with its line end, whether it is the reply's last line, and its text."""
    match = _LINE.fullmatch(line.removesuffix(b"\n").removesuffix(b"\r"))
    if match is None:
        raise RemoteProtocolError(Problem.MALFORMED_REPLY, f"not an SMTP reply: {line[:80]!r}")
    code, separator, text = match.groups()
    return int(code), separator != b"-", _printable(text or b"")


def _printable(octets: bytes) -> str:
    """The text, fit for a log and a bounce: what is not printable UTF-8 is replaced."""
    text = octets.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
