"""A lock that one process holds, and that the kernel frees when the process ends, however it ends."""

import fcntl
import os
from pathlib import Path

from percorso.store.files import FILE_MODE


class FileLock:
    """An exclusive flock(2) on a file made for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def take(self, *, wait: bool = False) -> bool:
        """Take the lock; False where another holds it and we do not wait."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def free(self) -> None:
        """Give the lock up; freeing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
