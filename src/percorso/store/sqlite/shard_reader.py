"""Connections to the shards of a node from outside: for operators, while workers write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files
from percorso.store.sqlite.connection import open_database
from percorso.store.sqlite.migrate import check_schema, is_empty, migrations


@contextmanager
def each_shard(
    data_dir: Path, *, read_only: bool = True, files: Files = FILES
) -> Iterator[list[tuple[Path, apsw.Connection]]]:
    """The directory of every shard, with a connection to its queue, closed at the end. Raises `StoreError`."""
    opened: list[tuple[Path, apsw.Connection]] = []
    try:
        for shard in layout.shards_with_queue(data_dir):
            connection = _open(layout.queue_database(shard), read_only=read_only, files=files)
            if connection:
                opened.append((shard, connection))
        yield opened
    finally:
        for _, connection in opened:
            connection.close()


def _open(path: Path, *, read_only: bool, files: Files) -> apsw.Connection | None:
    try:
        connection = open_database(path, read_only=read_only, files=files)
        try:
            if is_empty(connection):  # its worker is just making it
                connection.close()
                return None
            check_schema(connection, migrations("queue"))
        except BaseException:
            connection.close()
            raise
    except (OSError, apsw.Error, StoreError) as error:
        raise store_error(error, path) from error
    return connection
