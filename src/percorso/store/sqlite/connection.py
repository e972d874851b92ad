"""Connections to SQLite, all opened in one way.

One SQLite per process: apsw's, never the standard library's `sqlite3` beside it, because two libraries in one
process undo each other's file locks.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from percorso.store.files import FILE_MODE, FILES, Files

Row = tuple[Any, ...]

BUSY_TIMEOUT: Final = 10_000
"""Milliseconds to wait for another process's short transaction."""
_PAGE_SIZE: Final = 8192
"""A message of 10 KiB is two of these; larger pages write more for the small rows beside it."""
_CHECKPOINT_PAGES: Final = 1000
"""8 MiB of log between checkpoints: more would cost no less, and hold up the commit that does it for longer."""
_LOG_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that the log is cut down to after it grew for a while, because a long read kept it from being used again."""
_CACHE_KIB: Final = 32 * 1024
_STATEMENTS: Final = 256
"""Statements kept prepared: a few for each number of rows of a batch (`Bulk`)."""


def create_database(path: Path, *, files: Files = FILES, cache_kib: int = _CACHE_KIB) -> apsw.Connection:
    """A connection that writes, durable at every commit; makes the file, for its owner only, where it is missing."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    connection = apsw.Connection(
        str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=files.vfs, statementcachesize=_STATEMENTS
    )
    connection.set_busy_timeout(BUSY_TIMEOUT)
    connection.pragma("page_size", _PAGE_SIZE)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("wal_autocheckpoint", _CHECKPOINT_PAGES)
    connection.pragma("journal_size_limit", _LOG_LIMIT)
    connection.pragma("cache_size", -cache_kib)
    connection.pragma("foreign_keys", 1)
    return connection


def open_database(path: Path, *, read_only: bool = True, files: Files = FILES) -> apsw.Connection:
    """A connection to a database that exists.

    Read-only ones are opened for writing too, because a reader may have to make the shared-memory file of the log;
    `query_only` keeps them from changing anything.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=files.vfs)
    connection.set_busy_timeout(BUSY_TIMEOUT)
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", 1)
    connection.pragma("query_only", int(read_only))
    return connection


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """One transaction that writes: committed at the end, undone on any error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def rows(connection: apsw.Connection, sql: str, bindings: Row = ()) -> list[Row]:
    """All rows of a query."""
    return connection.execute(sql, bindings).fetchall()


def value(connection: apsw.Connection, sql: str, bindings: Row = ()) -> Any:
    """The first column of the first row; None where there is no row."""
    row = connection.execute(sql, bindings).fetchone()
    return None if row is None else row[0]
