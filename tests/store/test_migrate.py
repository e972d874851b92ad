"""Migrations: taken once and in order; what another Percorso wrote is refused with a reason."""

from pathlib import Path

import apsw
import msgspec
import pytest

from percorso.ports.evidence import EvidenceFilter
from percorso.ports.queue import QueueFilter, StoreError
from percorso.store import layout
from percorso.store.sqlite.connection import create_database, rows, value
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog
from percorso.store.sqlite.migrate import Migration, check_schema, migrate, migrations
from percorso.store.sqlite.queue_desk import SqliteQueueDesk
from percorso.store.sqlite.settings_store import SqliteSettingsStore

STEPS = [
    Migration(number=1, name="first", sql="CREATE TABLE a (x); CREATE TABLE b (x);"),
    Migration(number=2, name="second", sql="INSERT INTO a VALUES (1);\n-- a comment\nINSERT INTO b VALUES (2);"),
]
SCHEMAS = ("queue", "index", "settings")


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    return create_database(tmp_path / "some.db")


def test_every_step_is_taken_once(connection: apsw.Connection) -> None:
    migrate(connection, STEPS[:1])
    migrate(connection, STEPS)
    migrate(connection, STEPS)
    assert rows(connection, "SELECT x FROM a UNION ALL SELECT x FROM b") == [(1,), (2,)]
    assert rows(connection, "SELECT number, name FROM schema_migration") == [(1, "first"), (2, "second")]


def test_a_step_that_fails_leaves_nothing_behind(connection: apsw.Connection) -> None:
    broken = Migration(number=2, name="broken", sql="INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(apsw.SQLError):
        migrate(connection, [STEPS[0], broken])
    assert value(connection, "SELECT count(*) FROM sqlite_schema") == 0
    migrate(connection, STEPS)


def test_a_newer_database_is_refused(connection: apsw.Connection) -> None:
    migrate(connection, STEPS)
    with pytest.raises(StoreError, match=r"some\.db has schema 2, and this Percorso knows only up to 1"):
        migrate(connection, STEPS[:1])


def test_an_older_database_is_not_read_as_if_it_were_new(connection: apsw.Connection) -> None:
    migrate(connection, STEPS[:1])
    with pytest.raises(StoreError, match="older Percorso; start `percorso serve` to upgrade"):
        check_schema(connection, STEPS)


def test_a_step_that_was_changed_is_refused(connection: apsw.Connection) -> None:
    migrate(connection, STEPS)
    changed = msgspec.structs.replace(STEPS[0], sql=STEPS[0].sql + " ")
    with pytest.raises(StoreError, match="migration 1 is not the one"):
        migrate(connection, [changed, STEPS[1]])


@pytest.mark.parametrize("schema", SCHEMAS)
def test_our_migrations_are_numbered_without_gaps(schema: str, connection: apsw.Connection) -> None:
    steps = migrations(schema)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    migrate(connection, steps)
    check_schema(connection, steps)


def make_newer(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO schema_migration VALUES (99, 'from the future', '')")
    connection.close()


def test_a_node_with_newer_settings_does_not_start(tmp_path: Path) -> None:
    SqliteSettingsStore(tmp_path).close()
    make_newer(layout.settings_database(tmp_path))
    with pytest.raises(StoreError, match="newer Percorso"):
        SqliteSettingsStore(tmp_path)


def test_operators_are_told_of_a_newer_queue(tmp_path: Path) -> None:
    directory = layout.shard_directory(tmp_path, 0)
    directory.mkdir(parents=True)
    made = create_database(layout.queue_database(directory))
    migrate(made, migrations("queue"))
    made.close()
    make_newer(layout.queue_database(directory))
    with pytest.raises(StoreError, match="newer Percorso"):
        list(SqliteQueueDesk(tmp_path).entries(QueueFilter()))
    with pytest.raises(StoreError, match="newer Percorso"):
        list(SqliteEvidenceLog(tmp_path).search(EvidenceFilter()))
