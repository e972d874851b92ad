"""A shard: a directory with queue and evidence that one process at a time holds.

A worker takes the first shard that nobody holds, or makes a new one. Which process holds a shard is the kernel's
to say: the lock goes with the process, also on `kill -9`.
"""

from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec

from percorso.ports.clock import Clock
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import Files
from percorso.store.lock import FileLock
from percorso.store.spool import Spool
from percorso.store.sqlite.connection import create_database
from percorso.store.sqlite.index_writer import IndexThread
from percorso.store.sqlite.migrate import migrate, migrations
from percorso.store.sqlite.shard_database import ShardDatabase


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A shard that this process holds."""

    number: int
    lock: FileLock
    database: ShardDatabase
    spool: Spool
    index: IndexThread
    recover: Callable[[], None]
    """What to do first, in the shard's thread; then the index follows the evidence."""


def take_own_shard(data_dir: Path, *, node: str, clock: Clock, files: Files) -> Shard:
    """Hold the first shard that nobody holds, or a new one. Raises `StoreError`."""
    number = 0
    while (shard := take_shard(data_dir, number, node=node, clock=clock, files=files)) is None:
        number += 1
    return shard


def take_shard(data_dir: Path, number: int, *, node: str, clock: Clock, files: Files) -> Shard | None:
    """Hold the shard of that number, which is made where it is missing; None where another process holds it."""
    directory = layout.shard_directory(data_dir, number)
    lock = FileLock(directory / "lock")
    try:
        files.make_directory(directory)
        if not lock.take():
            return None
        return _open(directory, number, lock, node=node, clock=clock, files=files)
    except (OSError, apsw.Error, StoreError) as error:
        lock.free()
        raise store_error(error, directory) from error


def _open(directory: Path, number: int, lock: FileLock, *, node: str, clock: Clock, files: Files) -> Shard:
    path = layout.queue_database(directory)
    connection = create_database(path, files=files)
    migrate(connection, migrations("queue"))
    spool = Spool(layout.spool_directory(directory), files)
    database = ShardDatabase(connection, spool, chain=f"{node}/{number}")
    index = IndexThread(directory, files=files)
    leftovers = spool.names()  # before this process writes any

    def recover() -> None:
        database.recover(node=node, now=clock.now())
        spool.remove_orphans(leftovers, database.existing)
        index.start()

    return Shard(number=number, lock=lock, database=database, spool=spool, index=index, recover=recover)
