"""Puts a backup in the place of a node's data. Whoever calls it sees to it that no node runs on them."""

import os
import time
from pathlib import Path
from typing import Final

import apsw
import msgspec

from percorso.ports.backup import Backup, BadBackup, Progress
from percorso.ports.evidence import ChainBroken
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES
from percorso.store.sqlite.backup import BESIDE, MANIFEST, copy_directory, copy_file, make_backup, verify

_STORE: Final = (
    "settings.db",
    "settings.db-wal",
    "settings.db-shm",
    "rates.db",
    "rates.db-wal",
    "rates.db-shm",
    "queue",
)


class SqliteBackupStore:
    """`BackupStore` of a node with its data in `data_dir` and its store in `store_dir`, mostly the same."""

    def __init__(self, data_dir: Path, store_dir: Path) -> None:
        self._data_dir = data_dir
        self._store_dir = store_dir

    def make(self, target: Path, *, at: float, progress: Progress) -> Backup:
        """Write a backup into a new or empty directory, and verify it."""
        return make_backup(self._data_dir, self._store_dir, target, at=at, progress=progress)

    def restore(self, source: Path, *, replace: bool, progress: Progress) -> Backup:
        """Verify a backup and put it in the place of the node's data."""
        try:
            told = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Backup)
        except (OSError, msgspec.MsgspecError):
            raise BadBackup(f"{source} is no whole backup: it has no {MANIFEST} that can be read") from None
        try:
            backup = verify(source, at=told.at, progress=progress)
            if backup.heads != told.heads or backup.audit_entries != told.audit_entries:
                raise BadBackup(f"{source} was changed since it was made: its evidence or its audit log is another")
            self._make_room(replace=replace)
            progress("restoring", 0, 1)
            self._copy(source)
            progress("restoring", 1, 1)
        except ChainBroken as error:
            raise BadBackup(f"{source} was changed since it was made: {error}") from None
        except (OSError, apsw.Error) as error:
            raise store_error(error, source) from error
        return backup

    def _make_room(self, *, replace: bool) -> None:
        places = [(self._store_dir, name) for name in _STORE] + [(self._data_dir, name) for name in BESIDE]
        there = [(folder, name) for folder, name in places if (folder / name).exists()]
        if not there:
            return
        if not replace:
            raise BadBackup(
                f"{there[0][0] / there[0][1]} is there already; restore into an empty data directory, "
                "or with --force, which moves what is there aside"
            )
        aside = self._data_dir / f"replaced-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
        FILES.make_directory(aside)
        for folder, name in there:
            FILES.rename(folder / name, aside / name)

    def _copy(self, source: Path) -> None:
        FILES.make_directory(self._store_dir)
        for name in BESIDE:
            if (source / name).is_dir():
                copy_directory(source / name, self._data_dir / name)
        if (source / "queue").is_dir():
            copy_directory(source / "queue", self._store_dir / "queue")
        # Last, so that what was interrupted is seen to be no node's.
        copy_file(layout.settings_database(source), layout.settings_database(self._store_dir))
        FILES.sync_directory(self._store_dir)
