"""Numbered migrations: SQL files that bring a database from nothing to the schema that this code knows.

1. A migration that was released never changes; its checksum is kept in the database and compared at every opening.
2. A database with a migration that this code does not know was written by a newer Percorso, and is refused.
"""

import hashlib
from importlib import resources
from pathlib import Path
from typing import Final

import apsw
import msgspec

from percorso.ports.queue import StoreError
from percorso.store.sqlite.connection import rows, transaction, value

_CREATE_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)
    STRICT
"""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a schema."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL, hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(schema: str) -> list[Migration]:
    """The steps of one schema ("queue", "index", "settings"), in their order."""
    folder = resources.files("percorso.store.sqlite") / "migrations" / schema
    found = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        number, _, name = file.name.removesuffix(".sql").partition("_")
        found.append(Migration(number=int(number), name=name, sql=file.read_text(encoding="utf-8")))
    return found


def migrate(connection: apsw.Connection, steps: list[Migration]) -> None:
    """Take the steps that the database has not taken. Raises `StoreError` for a database that is not ours to change."""
    if len(_taken(connection, steps)) == len(steps):
        return
    with transaction(connection):
        connection.execute(_CREATE_TABLE)
        for step in steps[len(_taken(connection, steps)) :]:  # another process may have been quicker
            for _ in connection.execute(step.sql):
                pass
            connection.execute(
                "INSERT INTO schema_migration (number, name, checksum) VALUES (?, ?, ?)",
                (step.number, step.name, step.checksum),
            )


def check_schema(connection: apsw.Connection, steps: list[Migration]) -> None:
    """Raise `StoreError` unless the database has exactly the schema that this code knows."""
    if len(_taken(connection, steps)) < len(steps):
        raise StoreError(f"{_name(connection)} was written by an older Percorso; start `percorso serve` to upgrade it")


def is_empty(connection: apsw.Connection) -> bool:
    """Whether nobody has made a schema in the database yet."""
    return not value(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migration'")


def _taken(connection: apsw.Connection, steps: list[Migration]) -> list[int]:
    """The numbers of the steps taken, which must be the first of ours, unchanged."""
    if is_empty(connection):
        return []
    taken = rows(connection, "SELECT number, checksum FROM schema_migration ORDER BY number")
    for (number, checksum), step in zip(taken, steps, strict=False):
        if (number, checksum) != (step.number, step.checksum):
            raise StoreError(
                f"{_name(connection)}: migration {number} is not the one that this Percorso knows as "
                f"{step.number:04}_{step.name}; install the Percorso that wrote it"
            )
    if len(taken) > len(steps):
        raise StoreError(
            f"{_name(connection)} has schema {taken[-1][0]}, and this Percorso knows only up to {len(steps)}: "
            "it was written by a newer Percorso; install that one, or restore a backup from before the upgrade"
        )
    return [number for number, _ in taken]


def _name(connection: apsw.Connection) -> Path:
    return Path(connection.filename)
