"""Backups: the whole of a node's data in a directory, made while the node runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from percorso.ports.evidence import ChainHead

Progress = Callable[[str, int, int], object]
"""What is being done, how much of it is done, and how much there is."""


class BadBackup(Exception):
    """It cannot be restored, or not here; the message says why, and what to do."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; each chain was followed to its head when it was made."""

    at: float  # unix seconds
    settings_version: int
    audit_entries: int
    recipients: int  # in the queue
    heads: list[ChainHead]
    octets: int


class BackupStore(Protocol):
    """Makes backups of a node and restores them. Raises `StoreError` and `BadBackup`."""

    def make(self, target: Path, *, at: float, progress: Progress) -> Backup:
        """Write a backup into a new or empty directory, and verify it."""
        ...

    def restore(self, source: Path, *, replace: bool, progress: Progress) -> Backup:
        """Verify a backup and put it in the place of the node's data; for a node that does not run.

        Data that are there are an error, or with `replace` are moved aside within the data directory. What was being
        delivered when the backup was made is recorded as `uncertain` when the node starts.
        """
        ...
