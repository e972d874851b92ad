"""The content of a message on the wire: finding its end, and judging what lies before it (RFC 5321, 4.5.2).

1. The content stays in wire form: leading dots doubled, without the final dot. It can be sent on untouched.
2. Only CRLF.CRLF ends it. A bare CR or LF anywhere is an offence, so no reader behind us can find another end.
3. After an offence everything up to the real end is read away and dropped; none of it is ever a command.
4. Chunks are judged whole, in C: the cost is per chunk and per thousand octets, never per line.
5. However the octets are cut into chunks, the outcome is the same.
"""

import enum
import re
from typing import Final

END: Final = b"\r\n.\r\n"
_LINE_DOT: Final = re.compile(rb"(?m)^\.")
_DOUBLED_DOT: Final = re.compile(rb"(?m)^\.\.")


class Offence(enum.IntEnum):
    """Why a content is refused; of several the highest counts."""

    LINE_TOO_LONG = 1  # RFC 5321, 4.5.3.1.6
    BARE_CR_OR_LF = 2  # RFC 5321, 2.3.8
    TOO_LARGE = 3  # RFC 1870, 6.3


def to_wire(content: bytes) -> bytes:
    """A message with CRLF line ends as it goes over the wire, without the final dot."""
    return _LINE_DOT.sub(b"..", content)


def from_wire(content: bytes) -> bytes:
    """What `to_wire` was given."""
    return _DOUBLED_DOT.sub(b".", content)


class DataFilter:
    """Takes the chunks after 354 and gives the content back, up to its end.

    `max_size` limits the content, in octets; `max_line` each line, with its CRLF and without a doubled dot.
    """

    __slots__ = (
        "_at_line_start", "_column", "_held", "_line_limit", "_max_line", "_max_size",
        "eight_bit", "ended", "offence", "rest", "size",
    )  # fmt: skip

    def __init__(self, *, max_size: int, max_line: int) -> None:
        self._max_size = max_size
        self._max_line = max_line
        self._held = b""  # the last octets, while they may yet be part of the end or of a CRLF
        self._at_line_start = True
        self._column = 0  # octets of the unfinished line, for its limit
        self._line_limit = max_line
        self.size = 0
        self.eight_bit = False
        self.offence: Offence | None = None
        self.ended = False
        self.rest = b""  # once ended: what came behind the end

    def feed(self, chunk: bytes) -> bytes:
        """The content in the chunk, b"" after an offence. At the end sets `ended` and `rest`."""
        content = self._until_end(self._held + chunk if self._held else chunk)
        if content:
            self._at_line_start = content.endswith(b"\r\n")
            self._judge(content)
        return content if self.offence is None else b""

    def _until_end(self, window: bytes) -> bytes:
        """The part of the window that is surely content; the rest is held, or lies behind the end."""
        at_once = self._at_line_start and window.startswith(b".\r\n")
        end = 0 if at_once else window.find(END) + 2  # the first CRLF is the content's
        if end != 1:  # find said -1
            self.ended, self._held, self.rest = True, b"", window[end + 3 :]
            return window[:end]
        held = self._octets_to_hold(window)
        self._held = window[len(window) - held :]
        return window[: len(window) - held] if held else window

    def _octets_to_hold(self, window: bytes) -> int:
        if window.endswith(b"\r"):
            dot_before = window.endswith(b"\r\n.\r") or (self._at_line_start and window == b".\r")
            return 2 if dot_before else 1
        return int(window.endswith(b"\r\n.") or (self._at_line_start and window == b"."))

    def _judge(self, content: bytes) -> None:
        self.size += len(content)
        self.eight_bit = self.eight_bit or not content.isascii()
        if self.size > self._max_size:
            self.offence = Offence.TOO_LARGE
        elif self.offence in (None, Offence.LINE_TOO_LONG):
            if _has_bare_cr_or_lf(content):
                self.offence = Offence.BARE_CR_OR_LF
            elif self.offence is None and not self._lines_fit(content):
                self.offence = Offence.LINE_TOO_LONG

    def _lines_fit(self, content: bytes) -> bool:
        """Whether a line end lies within reach of each line start, looking only every `max_line` octets."""
        start = 0
        if not self._column:
            self._line_limit = self._max_line + content.startswith(b".")
        room = self._line_limit - self._column
        while len(content) - start > room:
            start = content.rfind(b"\n", start, start + room) + 1
            if not start:
                return False
            room = self._max_line + content.startswith(b".", start)
        self._remember_column(content, content.rfind(b"\n", start) + 1 or start)
        return True

    def _remember_column(self, content: bytes, last_line: int) -> None:
        self._column = len(content) - last_line + (0 if last_line else self._column)
        if last_line:
            self._line_limit = self._max_line + content.startswith(b".", last_line)


def _has_bare_cr_or_lf(content: bytes) -> bool:
    pairs = content.count(b"\r\n")
    return content.count(b"\n") != pairs or content.count(b"\r") != pairs
