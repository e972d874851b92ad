"""A message's content: in memory while it is small, in the spool when it is not."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

INLINE_LIMIT: Final = 256 * 1024
"""Octets; larger content goes to the spool."""
HEAD_LIMIT: Final = 256 * 1024
CHUNK: Final = 64 * 1024
"""Octets read from the spool at once: each message under way holds this much."""


class InlineContent:
    """Content that is kept whole in memory and in the database."""

    __slots__ = ("inline", "size")

    def __init__(self, content: bytes) -> None:
        self.inline: bytes | None = content
        self.size = len(content)

    def head(self) -> bytes:
        """The header section with the line end of its last field, or all where there is no body."""
        return _header_section(self.inline or b"")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content."""
        yield self.inline or b""


class SpooledContent:
    """Content in a file of the spool. `path` is where it is now; the spool moves it when it is kept."""

    __slots__ = ("path", "size")

    inline: bytes | None = None

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size

    def head(self) -> bytes:
        """The header section with the line end of its last field, or its first 256 KiB."""
        with self.path.open("rb") as file:
            head = b""
            while len(head) < HEAD_LIMIT and b"\r\n\r\n" not in head[-CHUNK - 3 :]:
                more = file.read(CHUNK)
                if not more:
                    break
                head += more
        return _header_section(head)[:HEAD_LIMIT]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content in order; each piece is read in a thread, because the disk may take its time."""
        loop = asyncio.get_running_loop()
        opening = loop.run_in_executor(None, os.open, self.path, os.O_RDONLY | os.O_CLOEXEC)
        at_work: asyncio.Future[int] | asyncio.Future[bytes] = opening
        try:
            descriptor = await asyncio.shield(opening)
            while chunk := await asyncio.shield(at_work := loop.run_in_executor(None, os.read, descriptor, CHUNK)):
                yield chunk
        finally:
            if at_work.done():
                _close(opening)
            else:  # cancelled, and a thread is still at it: by then the number could be another file's
                at_work.add_done_callback(lambda _: _close(opening))


def _close(opening: asyncio.Future[int]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


def _header_section(content: bytes) -> bytes:
    if content.startswith(b"\r\n"):  # no header field at all (RFC 5322, 3.5)
        return b""
    end = content.find(b"\r\n\r\n")
    return content if end < 0 else content[: end + 2]
