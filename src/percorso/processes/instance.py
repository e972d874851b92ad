"""One node on one data directory: a lock that the kernel frees whatever happens to its holder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another node works on this data directory; the message says which process."""


@contextmanager
def only_instance(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock for the length of the block, children included. Raises `AlreadyRunning`."""
    _make_durably(data_dir)
    path = data_dir / "node.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        if os.geteuid() == 0:  # who runs the node may not be root the next time
            owner = data_dir.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text(encoding="ascii").strip() or "unknown"
            raise AlreadyRunning(
                f"{data_dir} is in use by another percorso (process {holder}); stop that one, or set another data_dir"
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _make_durably(folder: Path) -> None:
    """Make the folder and its parents where they are missing; what is synced in it then cannot be lost with it."""
    for missing in [path for path in reversed((folder, *folder.parents)) if not path.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(missing.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
