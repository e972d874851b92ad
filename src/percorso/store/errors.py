"""What went wrong with the disk, as `StoreError`s."""

import errno
from pathlib import Path

import apsw

from percorso.ports.queue import StoreError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def store_error(error: Exception, path: Path) -> StoreError:
    """The error as callers of the store know it, with what an operator can do about it."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, apsw.FullError) or getattr(error, "errno", None) in _NO_SPACE:
        return StoreError(f"no space is left for {path}: make room on its file system ({error})", full=True)
    if isinstance(error, apsw.BusyError):
        return StoreError(f"{path} is locked by another process: end whatever holds it ({error})")
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StoreError(f"{path} is damaged: restore it from a backup ({error})")
    return StoreError(f"cannot use {path}: {error}")
