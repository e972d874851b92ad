"""The content of a message on the wire: finding its end, and judging what lies before it (RFC 5321, 4.5.2).

1. The content stays in wire form: leading dots doubled, without the final dot. It can be sent on untouched.
2. Only CRLF.CRLF ends it. A bare CR or LF anywhere is an offence, so no reader behind us can find another end.
3. After an offence everything up to the real end is read away and dropped; none of it is ever a command.
4. Chunks are judged whole, in C: the cost is per chunk and per thousand octets, never per line.
"""

import enum
from typing import Final

import msgspec

END: Final = b"\r\n.\r\n"


class Offence(enum.Enum):
    """Why a content is refused."""

    BARE_CR_OR_LF = "bare CR or LF"  # RFC 5321, 2.3.8
    LINE_TOO_LONG = "line too long"  # RFC 5321, 4.5.3.1.6
    TOO_LARGE = "too large"  # RFC 1870, 6.3


class DataFilter:
    """Takes the chunks after 354 and gives the content back, up to its end.

    `max_size` is the content's limit in octets, `max_line` a line's, with its CRLF and without a doubled dot.
    """

    __slots__ = ("_line", "_max_line", "_max_size", "_tail", "eight_bit", "ended", "offence", "rest", "size")

    def __init__(self, *, max_size: int, max_line: int) -> None:
        self._max_size = max_size
        self._max_line = max_line
        self._tail = b""  # octets not yet given out: they may belong to the end
        self._line = b""  # the unfinished line's octets so far; the next chunk goes on with it
        self.size = 0
        self.eight_bit = False
        self.offence: Offence | None = None
        self.ended = False
        self.rest = b""  # once ended: what came behind the end

    def feed(self, chunk: bytes) -> bytes:
        """The content in the chunk; b"" after an offence. Sets `ended` and `rest` at the end."""
        window = self._tail + chunk if self._tail else chunk
        content = self._until_end(window)
        if self.offence is None and content:
            self._judge(content)
        return content if self.offence is None else b""

    def _until_end(self, window: bytes) -> bytes:
        at_line_start = not self._line
        if at_line_start and window.startswith(b".\r\n"):
            end, skip = 0, 3
        else:
            end, skip = window.find(END) + 2, 3
        if end >= 2 or (end == 0 and skip):
            pass
        raise NotImplementedError
