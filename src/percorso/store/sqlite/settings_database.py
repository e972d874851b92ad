"""`settings.db`: opened the same way by everyone, and made by whoever comes first."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from percorso.core.settings.schema import Document
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files
from percorso.store.lock import FileLock
from percorso.store.sqlite import settings_sql
from percorso.store.sqlite.connection import create_database, rows, transaction, value
from percorso.store.sqlite.migrate import migrate, migrations

_CACHE_KIB = 8 * 1024
_ENTRIES = {"address_list": {"__all__": {"entries"}}}


def open_settings(data_dir: Path, *, files: Files = FILES) -> apsw.Connection:
    """A connection to the node's settings, which are made or upgraded where that is needed. Raises `StoreError`."""
    path = layout.settings_database(data_dir)
    lock = FileLock(data_dir / "lock")
    try:
        files.make_directory(data_dir)
        lock.take(wait=True)
        connection = create_database(path, files=files, cache_kib=_CACHE_KIB)
        migrate(connection, migrations("settings"))
        if value(connection, settings_sql.NEWEST_NUMBER) is None:
            connection.execute(settings_sql.FIRST_VERSION, (time.time(), encode_document(Document())))
    except (OSError, apsw.Error, StoreError) as error:
        raise store_error(error, path) from error
    finally:
        lock.free()
    return connection


@contextmanager
def change(connection: apsw.Connection) -> Iterator[None]:
    """One transaction on the settings; raises `StoreError` where the disk does not take it."""
    try:
        with transaction(connection):
            yield
    except apsw.Error as error:
        raise store_error(error, Path(connection.filename)) from error


def encode_document(document: Document) -> str:
    """A document as it is kept: whole but for the entries of address lists, which are rows of their own."""
    return document.model_dump_json(exclude=_ENTRIES)


def read_outline(connection: apsw.Connection, version: int) -> Document:
    """A version's document without the entries of its address lists; LookupError for an unknown version."""
    text = value(connection, settings_sql.SELECT_DOCUMENT, (version,))
    if text is None:
        raise LookupError(f"there is no version {version} of the settings")
    return Document.model_validate_json(text)


def newest_version(connection: apsw.Connection) -> int:
    """The number of the version in force."""
    number: int = value(connection, settings_sql.NEWEST_NUMBER)
    return number


def list_ids(connection: apsw.Connection) -> dict[str, int]:
    """The address lists that were ever there, by name."""
    return dict(rows(connection, settings_sql.LISTS))
