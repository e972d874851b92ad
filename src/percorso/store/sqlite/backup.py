"""Makes a backup of a node that runs.

1. Each database is copied as it was at one moment: a read transaction is open on it until the last page.
2. A message in that copy has its spool file in the backup: files are held by links before the copy begins and after it
   ended, and a copy that names a file which came and went in between is made again.
3. A backup is verified before it counts: `backup.json` is written last. What can be built again is left out.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw
import msgspec

from percorso.ports.backup import Backup, BadBackup, Progress
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILE_MODE, FILES, Files
from percorso.store.queue_id import queue_id
from percorso.store.sqlite import backup_sql
from percorso.store.sqlite.audit_log import SqliteAuditLog
from percorso.store.sqlite.connection import open_database, rows, value
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog

MANIFEST: Final = "backup.json"
BESIDE: Final = ("secrets", "tls")
"""Directories of the data directory that a backup holds whole."""

_PAGES: Final = 2000
"""Pages of one step: 16 MiB."""
_TRIES: Final = 5
_HELD: Final = ".backup"


def make_backup(data_dir: Path, store_dir: Path, target: Path, *, at: float, progress: Progress) -> Backup:
    """Write and verify it. Raises `BadBackup` and `StoreError`."""
    if target.exists() and any(target.iterdir()):
        raise BadBackup(f"{target} is not empty; name a new directory")
    try:
        FILES.make_directory(target)
        _copy_database(layout.settings_database(store_dir), layout.settings_database(target), progress)
        for number in layout.shard_numbers(store_dir):
            shard, copy = layout.shard_directory(store_dir, number), layout.shard_directory(target, number)
            if layout.queue_database(shard).exists():
                FILES.make_directory(copy)
                _copy_shard(shard, copy, progress)
        for name in BESIDE:
            if (data_dir / name).is_dir():
                copy_directory(data_dir / name, target / name)
        backup = verify(target, at=at, progress=progress)
        _write(target / MANIFEST, msgspec.json.encode(backup))
        FILES.sync_directory(target)
    except (OSError, apsw.Error) as error:
        raise store_error(error, target) from error
    return backup


def verify(folder: Path, *, at: float, progress: Progress) -> Backup:
    """What a backup holds, once its databases, chains and files prove whole. Raises `BadBackup`."""
    progress("checking", 0, 1)
    recipients = 0
    for path in (layout.settings_database(folder), *map(layout.queue_database, layout.shards_with_queue(folder))):
        with _opened(path) as connection:
            if (told := value(connection, "PRAGMA integrity_check")) != "ok":
                raise BadBackup(f"{path} is damaged: {told}")
    for shard in layout.shards_with_queue(folder):
        with _opened(layout.queue_database(shard)) as connection:
            recipients += value(connection, backup_sql.COUNT_RECIPIENTS)
            _check_spool(shard, rows(connection, backup_sql.SPOOLED))
    audit = SqliteAuditLog(folder)
    entries = audit.verify()
    audit.close()
    (folder / "lock").unlink(missing_ok=True)
    with _opened(layout.settings_database(folder)) as connection:
        version = value(connection, backup_sql.SETTINGS_VERSION)
    heads = SqliteEvidenceLog(folder).verify()
    progress("checking", 1, 1)
    octets = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Backup(
        at=at, settings_version=version, audit_entries=entries, recipients=recipients, heads=heads, octets=octets
    )


def copy_directory(source: Path, target: Path, *, files: Files = FILES) -> None:
    """Copy the files of a directory, for their owner only, durably."""
    files.make_directory(target)
    for path in sorted(source.iterdir()):
        if path.is_dir():
            copy_directory(path, target / path.name, files=files)
        else:
            copy_file(path, target / path.name, files=files)
    files.sync_directory(target)


def copy_file(source: Path, target: Path, *, files: Files = FILES) -> None:
    """Copy one file, for its owner only, durably."""
    descriptor = files.create(target)
    with source.open("rb") as reading, open(descriptor, "wb") as writing:  # noqa: PTH123 (a descriptor)
        shutil.copyfileobj(reading, writing, 1024 * 1024)
        writing.flush()
        files.sync(writing.fileno())


def _copy_shard(shard: Path, target: Path, progress: Progress) -> None:
    held = layout.spool_directory(shard).with_name(_HELD)
    shutil.rmtree(held, ignore_errors=True)  # of one that was interrupted
    held.mkdir(mode=0o700)
    try:
        for _ in range(_TRIES):
            _hold(layout.spool_directory(shard), held)
            _copy_database(layout.queue_database(shard), layout.queue_database(target), progress)
            _hold(layout.spool_directory(shard), held)
            with _opened(layout.queue_database(target)) as connection:
                wanted = {queue_id(number) for number, _ in rows(connection, backup_sql.SPOOLED)}
            if all((held / name).exists() for name in wanted):
                break
            layout.queue_database(target).unlink()
        else:
            raise StoreError(f"{shard}: large messages come and go faster than they can be copied; try again later")
        FILES.make_directory(layout.spool_directory(target))
        for done, name in enumerate(sorted(wanted)):
            progress(f"{shard.name} spool", done, len(wanted))
            copy_file(held / name, layout.spool_directory(target) / name)
        FILES.sync_directory(layout.spool_directory(target))
    finally:
        shutil.rmtree(held, ignore_errors=True)


def _hold(spool: Path, held: Path) -> None:
    """Link every finished file of the spool, so that it stays when its message goes."""
    for path in spool.iterdir() if spool.is_dir() else ():
        if not path.suffix:
            try:
                (held / path.name).hardlink_to(path)
            except (FileExistsError, FileNotFoundError):
                continue


def _copy_database(source: Path, target: Path, progress: Progress) -> None:
    reading = open_database(source)
    writing = apsw.Connection(str(target))
    target.chmod(FILE_MODE)
    try:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # from here on it stays as it is
        with writing.backup("main", reading, "main") as copying:
            while not copying.done:
                copying.step(_PAGES)
                progress(
                    f"{source.parent.name}/{source.name}", copying.page_count - copying.remaining, copying.page_count
                )
        reading.execute("COMMIT")
    finally:
        reading.close()
        writing.close()


@contextmanager
def _opened(path: Path) -> Iterator[apsw.Connection]:
    connection = open_database(path)
    try:
        yield connection
    finally:
        connection.close()


def _check_spool(shard: Path, spooled: list[tuple[int, int]]) -> None:
    for number, size in spooled:
        path = layout.spool_directory(shard) / queue_id(number)
        if not path.exists() or path.stat().st_size != size:
            raise BadBackup(f"{path}, the content of a message in the queue, is missing or cut off")


def _write(path: Path, data: bytes) -> None:
    descriptor = FILES.create(path)
    with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
        file.write(data)
        file.flush()
        FILES.sync(file.fileno())
