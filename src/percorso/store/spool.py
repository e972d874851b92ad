"""The spool: content too large for the database, one file for each message.

1. A file is written as `ID.part` while the message arrives, and renamed to `ID` when it is kept: file synced,
   renamed, directory synced, and only then the row. So a row never points to a file that a crash can take.
2. A file goes after the commit that removed its message. A crash between the two leaves an orphan, which the
   next opening removes.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from percorso.ports.queue import Content
from percorso.store.content import INLINE_LIMIT, InlineContent, SpooledContent
from percorso.store.errors import store_error
from percorso.store.files import Files
from percorso.store.queue_id import id_number, queue_id

_WRITE_SIZE: Final = 64 * 1024
"""Octets gathered for one write."""
DRAFT_OCTETS: Final = 64 * 1024 * 1024
"""Of all drafts in memory; beyond that they go to the spool as they come, so that many slow clients cannot use it up.

To stop reading would not do: none of them could end its message then.
"""
_PART: Final = ".part"


class Spool:
    """The spool directory of one shard."""

    def __init__(self, directory: Path, files: Files) -> None:
        self._directory = directory
        self._files = files
        self._drafts = Drafts()
        files.make_directory(directory)

    def compose(self, number: int) -> "Composer":
        """A writer for the content of a new message."""
        return Composer(queue_id(number), self._directory, self._files, self._drafts)

    def keep(self, content: Content, number: int) -> None:
        """Put a finished file on stable storage under the message's id. Raises `StoreError`; call it in a thread."""
        if not isinstance(content, SpooledContent):
            raise TypeError(f"{type(content).__name__} is not content that this store composed")
        place = self._place(number)
        with _translated(place):
            descriptor = os.open(content.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._files.sync(descriptor)
            finally:
                os.close(descriptor)
            self._files.rename(content.path, place)
            content.path = place
            self._files.sync_directory(self._directory)

    def drop(self, content: Content) -> None:
        """Remove the file of content that was not kept."""
        if isinstance(content, SpooledContent):
            with suppress(OSError):
                self._files.remove(content.path)

    def open(self, number: int, size: int) -> SpooledContent:
        """The content of a message that was kept."""
        return SpooledContent(self._place(number), size)

    def remove(self, number: int) -> None:
        """Remove a message's file; where that fails, the next opening does it."""
        with suppress(OSError):
            self._files.remove(self._place(number))

    def names(self) -> list[str]:
        """Every file there is now."""
        return [entry.name for entry in os.scandir(self._directory)]

    def remove_orphans(self, names: list[str], kept: Callable[[list[int]], set[int]]) -> None:
        """Remove those of the named files that belong to no message; `kept` tells which of some ids are kept."""
        numbers = {name: _number(name) for name in names}
        known = kept([number for number in numbers.values() if number is not None])
        for name, number in numbers.items():
            if number not in known:
                with suppress(OSError):
                    self._files.remove(self._directory / name)

    def _place(self, number: int) -> Path:
        return self._directory / queue_id(number)


class Drafts:
    """What is being composed in memory, all together."""

    __slots__ = ("octets",)

    def __init__(self) -> None:
        self.octets = 0


class Composer:
    """`ContentWriter`: gathers content in memory, and goes on in the spool where it grows too large."""

    __slots__ = ("_chunks", "_descriptor", "_directory", "_drafts", "_files", "_spooled", "_waiting", "id", "size")

    def __init__(self, message_id: str, directory: Path, files: Files, drafts: Drafts) -> None:
        self.id = message_id
        self.size = 0
        self._directory = directory
        self._files = files
        self._drafts = drafts
        self._chunks: list[bytes] = []
        self._waiting = 0  # octets in `_chunks`
        self._descriptor: int | None = None
        self._spooled = False

    def write(self, chunk: bytes) -> None:
        """Append. Raises `StoreError` where the spool cannot take it; then only `discard` is left."""
        self._chunks.append(chunk)
        self.size += len(chunk)
        self._waiting += len(chunk)
        self._drafts.octets += len(chunk)
        limit = INLINE_LIMIT if self._descriptor is None else _WRITE_SIZE
        if self._waiting > limit or self._drafts.octets > DRAFT_OCTETS:
            self._spill()

    def finish(self) -> Content:
        """The content, to be handed to `accept`, which makes it durable. Raises `StoreError` as `write` does."""
        if self._descriptor is None:
            content = InlineContent(self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks))
            self._let_go()
            return content
        self._spill()
        self._close()
        return SpooledContent(self._part, self.size)

    def discard(self) -> None:
        """Forget what was written; harmless after `finish` and `accept`."""
        self._let_go()
        self._close()
        if self._spooled:
            with suppress(OSError):
                self._files.remove(self._part)

    @property
    def _part(self) -> Path:
        return self._directory / f"{self.id}{_PART}"

    def _spill(self) -> None:
        with _translated(self._part):
            if self._descriptor is None:
                self._descriptor = self._files.create(self._part)
                self._spooled = True
            self._files.write(self._descriptor, b"".join(self._chunks))
        self._let_go()

    def _let_go(self) -> None:
        self._chunks.clear()
        self._drafts.octets -= self._waiting
        self._waiting = 0

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _number(name: str) -> int | None:
    try:
        return id_number(name)
    except ValueError:
        return None


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise store_error(error, path) from error
