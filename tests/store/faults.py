"""A disk that fails on command: files through the `Files` port, databases through a SQLite VFS over the real one."""

import errno
import itertools
import os
from pathlib import Path
from typing import Any

import apsw

from percorso.store.files import Files

_names = itertools.count(1)


class Faults:
    """Counts what is asked of the disk, and fails from the `first` such call on, `count` times."""

    def __init__(self) -> None:
        self.calls = 0
        self.failed = 0
        self.log: list[str] = []
        """What was asked of the spool ("file sync") and of the log of the queue ("sync")."""
        self._first = self._last = 0

    def arm(self, first: int, count: int = 1) -> None:
        """Fail calls number `first` (from 1, from now) to `first + count - 1`."""
        self.calls = self.failed = 0
        self._first, self._last = first, first + count - 1

    def disarm(self) -> None:
        """Fail no more."""
        self._first = self._last = 0

    def due(self) -> bool:
        """Count a call, and tell whether it fails."""
        self.calls += 1
        if self._first <= self.calls <= self._last:
            self.failed += 1
            return True
        return False


class FaultyFiles(Files):
    """The file system with `Faults`. `full` makes a failure ENOSPC, else it is EIO."""

    def __init__(self, *, full: bool) -> None:
        self.faults = Faults()
        self._full = full
        self.vfs = f"faults-{next(_names)}"
        self._vfs = _FaultyVfs(self.vfs, self.faults, full=full)

    def close(self) -> None:
        """Take the VFS away."""
        self._vfs.unregister()

    def create(self, path: Path) -> int:
        self._check("create")
        return super().create(path)

    def write(self, descriptor: int, data: bytes) -> None:
        self._check("write")
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._check("sync")
        super().sync(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        self._check("rename")
        super().rename(old, new)

    def sync_directory(self, path: Path) -> None:
        self._check("sync_directory")
        super().sync_directory(path)

    def remove(self, path: Path) -> None:
        self._check("remove")
        super().remove(path)

    def _check(self, call: str) -> None:
        self.faults.log.append(f"file {call}")
        if self.faults.due():
            number = errno.ENOSPC if self._full else errno.EIO
            raise OSError(number, os.strerror(number))


class _FaultyVfs(apsw.VFS):
    def __init__(self, name: str, faults: Faults, *, full: bool) -> None:
        self._faults = faults
        self._full = full
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> "_FaultyFile":  # noqa: N802 (SQLite's names)
        return _FaultyFile(name, flags, self._faults, full=self._full)


class _FaultyFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], faults: Faults, *, full: bool) -> None:
        self._faults = faults
        path = str(name.filename() if isinstance(name, apsw.URIFilename) else name)
        self._is_log = path.endswith("queue.db-wal")
        self._is_index = "index.db" in path  # made in a thread of its own: its calls would come in between
        self._error = apsw.FullError if full else apsw.IOError
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._check("write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._check("sync")
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._check("truncate")
        super().xTruncate(newsize)

    def _check(self, call: str) -> None:
        if self._is_log:
            self._faults.log.append(call)
        if not self._is_index and self._faults.due():
            raise self._error("the disk fails on command")
