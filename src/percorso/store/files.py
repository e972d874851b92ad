"""The few things that the store asks of the file system, in one place, so that a test can make each of them fail."""

import os
from pathlib import Path
from typing import Final

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class Files:
    """The file system. `vfs` names the SQLite VFS that databases are opened with; None is SQLite's own."""

    vfs: str | None = None

    def make_directory(self, path: Path) -> None:
        """Make the directory and its parents, for the owner only, where they are missing.

        They are on stable storage then: a file in them can be synced, and be lost with them all the same.
        """
        for parent in reversed((path, *path.parents)):
            if not parent.exists():
                parent.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
                self.sync_directory(parent.parent)

    def create(self, path: Path) -> int:
        """Create a file for writing; returns its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)

    def write(self, descriptor: int, data: bytes) -> None:
        """Append all of the data."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """Wait until the file's data are on stable storage."""
        os.fsync(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Move a file into its place, atomically."""
        old.rename(new)

    def sync_directory(self, path: Path) -> None:
        """Wait until the directory's entries are on stable storage."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file; it may be gone already."""
        path.unlink(missing_ok=True)


FILES: Final = Files()
