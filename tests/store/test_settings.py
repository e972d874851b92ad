"""Settings in versions, their audit entries, and the source that workers follow."""

import asyncio
import contextlib
import itertools
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percorso.core.mail.address import match_keys, parse_address, parse_domain
from percorso.core.policy.facts import ListMatch
from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import AddressList, Document, Organization, TlsCompliance
from percorso.ports.audit import AuditEntry
from percorso.ports.evidence import ChainBroken
from percorso.ports.queue import StoreError
from percorso.ports.settings import SettingsConflict
from percorso.store import layout
from percorso.store.files import Files
from percorso.store.sqlite.audit_log import SqliteAuditLog
from percorso.store.sqlite.settings_source import SqliteSettingsSource
from percorso.store.sqlite.settings_sql import lists_with
from percorso.store.sqlite.settings_store import SqliteSettingsStore
from tests.store.faults import FaultyFiles

ENTRY = AuditEntry(at=1.0, actor="root (uid 0)", source="cli", event="address_list:change", subject="partners")


def document(*entries: str, name: str = "Corp", also: tuple[AddressList, ...] = ()) -> Document:
    lists = (AddressList(name="partners", entries=entries), *also) if entries else also
    rules = tuple(TlsCompliance(name=f"{one.name} need TLS", lists=(one.name,)) for one in lists)
    return Document(
        organization=Organization(name=name, domains=("corp.test",)), address_list=lists, tls_compliance=rules
    )


def commit(store: SqliteSettingsStore, changed: Document, *audit: AuditEntry) -> int:
    return store.commit(changed, base=store.newest().version, audit=audit, at=2.0)


def connect(data_dir: Path) -> apsw.Connection:
    return apsw.Connection(str(layout.settings_database(data_dir)))


@pytest.fixture
def store(tmp_path: Path) -> SqliteSettingsStore:
    return SqliteSettingsStore(tmp_path)


def test_a_new_node_has_the_empty_document(store: SqliteSettingsStore) -> None:
    assert store.newest().version == 0
    assert store.document(0) == Document()


def test_every_version_stays_whole(store: SqliteSettingsStore) -> None:
    versions = [
        document("bank.test", "audit@partner.test"),
        document("bank.test", name="Corp Ltd"),
        document(also=(AddressList(name="others", entries=("club.test",)),)),
        document("bank.test", "shop.test"),
    ]
    for number, changed in enumerate(versions, 1):
        assert commit(store, changed) == number
    for number, changed in enumerate(versions, 1):
        kept = store.document(number)
        assert {one.name: set(one.entries) for one in kept.address_list} == {
            one.name: set(one.entries) for one in changed.address_list
        }
        assert kept.model_copy(update={"address_list": ()}) == changed.model_copy(update={"address_list": ()})
    assert store.document(0) == Document()


def test_entries_are_kept_as_they_were_written(store: SqliteSettingsStore) -> None:
    commit(store, document("Bank.Test", "Audit@Partner.test", ".bücher.example"))
    assert set(store.document(1).address_list[0].entries) == {"Bank.Test", "Audit@Partner.test", ".bücher.example"}
    commit(store, document("bank.test", "Audit@Partner.test"))
    assert store.document(2).address_list[0].entries == ("Audit@Partner.test", "bank.test")


entry_sets = st.frozensets(st.sampled_from([f"d{number}.test" for number in range(6)]), max_size=6)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(entry_sets, entry_sets), min_size=1, max_size=6))
def test_any_history_of_lists_comes_back(tmp_path_factory: pytest.TempPathFactory, history: list[object]) -> None:
    store = SqliteSettingsStore(tmp_path_factory.mktemp("settings"))
    wanted: list[dict[str, set[str]]] = [{}]
    for lists in history:
        assert isinstance(lists, tuple)
        named = {f"list {number}": set(entries) for number, entries in enumerate(lists) if entries}
        tables = tuple(AddressList(name=name, entries=tuple(entries)) for name, entries in named.items())
        commit(store, Document(address_list=tables))
        wanted.append(named)
    kept = [store.document(number).address_list for number in range(len(wanted))]
    assert [{one.name: set(one.entries) for one in tables} for tables in kept] == wanted
    store.close()


def test_a_change_of_one_entry_copies_nothing(store: SqliteSettingsStore, tmp_path: Path) -> None:
    entries = [f"d{number}.test" for number in range(1000)]
    commit(store, document(*entries))
    for number in range(10):
        commit(store, document(*entries, f"new{number}.test"))
    (rows,) = connect(tmp_path).execute("SELECT count(*) FROM list_entry").fetchone() or (0,)
    assert rows == 1010


def test_history_is_the_newest_first(store: SqliteSettingsStore) -> None:
    store.commit(document(), base=0, audit=[ENTRY], at=5.0, comment="at night")
    store.commit(document("bank.test"), base=1, audit=[], at=6.0)
    history = store.history(limit=2)
    assert [(one.version, one.at, one.actor, one.comment) for one in history] == [
        (2, 6.0, "", ""),
        (1, 5.0, "root (uid 0)", "at night"),
    ]


def test_an_unknown_version_is_said_so(store: SqliteSettingsStore) -> None:
    with pytest.raises(LookupError, match="version 7"):
        store.document(7)


def test_of_two_changes_from_one_base_the_second_is_refused(tmp_path: Path) -> None:
    first, second = SqliteSettingsStore(tmp_path), SqliteSettingsStore(tmp_path)
    first.commit(document(name="One"), base=0, audit=[ENTRY], at=1.0)
    with pytest.raises(SettingsConflict, match="based on version 0, but version 1 is in force"):
        second.commit(document(name="Two"), base=0, audit=[ENTRY], at=2.0)
    assert second.newest().version == 1
    assert len(list(SqliteAuditLog(tmp_path).entries())) == 1


def test_audit_entries_carry_the_version_that_they_led_to(store: SqliteSettingsStore, tmp_path: Path) -> None:
    commit(store, document("bank.test"), ENTRY, msgspec.structs.replace(ENTRY, subject="others"))
    audit = SqliteAuditLog(tmp_path)
    assert [(one.number, one.entry.subject, one.entry.version) for one in audit.entries()] == [
        (2, "others", 1),
        (1, "partners", 1),
    ]
    assert audit.verify() == 2


@pytest.mark.parametrize("full", [True, False], ids=["full", "broken"])
def test_change_and_audit_stand_or_fall_together(tmp_path: Path, full: bool) -> None:
    """The first call to the disk fails, then the second, and so on: never a change without its audit entry."""
    files = FaultyFiles(full=full)
    for first in itertools.count(1):
        data_dir = tmp_path / str(first)
        store = SqliteSettingsStore(data_dir, files=files)
        files.faults.arm(first)
        with contextlib.suppress(StoreError):
            commit(store, document(*(f"d{number}.test" for number in range(500))), ENTRY)
        failed = files.faults.failed
        files.faults.disarm()
        store.close()
        changed = SqliteSettingsStore(data_dir)
        audited = [one.entry.version for one in SqliteAuditLog(data_dir).entries()]
        assert audited == list(range(1, changed.newest().version + 1))
        assert len(changed.document(changed.newest().version).address_list) == len(audited)
        if not failed:
            assert audited == [1]
            break
    files.close()


class TestAudit:
    def test_entries_can_be_narrowed_down(self, tmp_path: Path) -> None:
        audit = SqliteAuditLog(tmp_path)
        for number in range(1, 11):
            actor = "root" if number % 2 else "maria"
            audit.append(AuditEntry(at=float(number), actor=actor, source="cli", event=f"queue:{number % 3}"))
        assert [one.number for one in audit.entries(limit=3)] == [10, 9, 8]
        assert [one.number for one in audit.entries(before=8, limit=2)] == [7, 6]
        assert [one.number for one in audit.entries(actor="maria", since=5.0)] == [10, 8, 6]
        assert [one.number for one in audit.entries(event="queue:1")] == [10, 7, 4, 1]

    @pytest.mark.parametrize("statement", ["UPDATE audit SET record = x'00'", "DELETE FROM audit WHERE number = 1"])
    def test_a_slip_of_our_own_cannot_change_it(self, tmp_path: Path, statement: str) -> None:
        SqliteAuditLog(tmp_path).append(ENTRY)
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            connect(tmp_path).execute(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit SET record = CAST(replace(record, 'root', 'maria') AS BLOB) WHERE number = 2",
            "DELETE FROM audit WHERE number = 2",
            "DELETE FROM audit WHERE number = 1",
        ],
    )
    def test_tampering_is_found(self, tmp_path: Path, statement: str) -> None:
        audit = SqliteAuditLog(tmp_path)
        for _ in range(3):
            audit.append(ENTRY)
        assert audit.verify() == 3
        connection = connect(tmp_path)
        connection.execute("DROP TRIGGER audit_is_not_changed")
        connection.execute("DROP TRIGGER audit_is_not_deleted")
        connection.execute(statement)
        with pytest.raises(ChainBroken, match="audit log"):
            audit.verify()


class TestSource:
    def test_it_starts_with_what_is_in_force(self, store: SqliteSettingsStore, tmp_path: Path) -> None:
        assert SqliteSettingsSource(tmp_path).current.version == 0
        commit(store, document("bank.test"))
        source = SqliteSettingsSource(tmp_path)
        assert source.current.version == 1
        assert source.current.is_own_domain("corp.test")

    def test_it_takes_up_a_change_at_once(self, store: SqliteSettingsStore, tmp_path: Path) -> None:
        source = SqliteSettingsSource(tmp_path)
        keys = match_keys(parse_address("bob@bank.test"))
        assert not source.poll()
        assert source.matching_lists(keys) == ()
        commit(store, document("bank.test"))
        assert source.poll()
        assert source.current.version == 1
        assert source.matching_lists(keys) == (ListMatch(name="partners", entry="bank.test"),)
        commit(store, document("shop.test"))
        assert source.poll()
        assert source.matching_lists(keys) == ()
        assert not source.poll()

    async def test_it_watches(self, store: SqliteSettingsStore, tmp_path: Path) -> None:
        source = SqliteSettingsSource(tmp_path)
        changes: asyncio.Queue[Settings] = asyncio.Queue()
        source.watch(asyncio.get_running_loop(), changes.put_nowait)
        commit(store, document("bank.test"))
        assert (await asyncio.wait_for(changes.get(), 2.0)).version == 1
        source.close()

    def test_a_version_that_cannot_be_compiled_leaves_the_old_one_in_force(
        self, store: SqliteSettingsStore, tmp_path: Path
    ) -> None:
        source = SqliteSettingsSource(tmp_path)
        commit(store, document().model_copy(update={"organization": Organization(inbound_host="nowhere")}))
        with pytest.raises(LookupError):
            source.poll()
        assert source.current.version == 0
        commit(store, document())
        assert source.poll()
        assert source.current.version == 2

    def test_the_past_can_be_asked(self, store: SqliteSettingsStore, tmp_path: Path) -> None:
        commit(store, document("bank.test"))
        commit(store, document("shop.test"))
        source = SqliteSettingsSource(tmp_path, version=1)
        assert source.current.version == 1
        found = [source.matching_lists((parse_domain(name),)) for name in ("bank.test", "shop.test")]
        assert found == [(ListMatch(name="partners", entry="bank.test"),), ()]
        commit(store, document())
        assert not source.poll()
        with pytest.raises(LookupError, match="version 9"):
            SqliteSettingsSource(tmp_path, version=9)

    def test_the_most_specific_entry_is_told(self, store: SqliteSettingsStore, tmp_path: Path) -> None:
        also = (AddressList(name="everyone", entries=(".test", "Bob@x.bank.test")),)
        commit(store, document(".bank.test", "bob+sales@x.bank.test", also=also))
        source = SqliteSettingsSource(tmp_path)
        found = source.matching_lists(match_keys(parse_address("bob+sales@x.bank.test")))
        assert {one.name: one.entry for one in found} == {
            "partners": "bob+sales@x.bank.test",
            "everyone": "bob@x.bank.test",
        }

    def test_a_look_up_reads_no_more_in_a_long_list(self, store: SqliteSettingsStore, tmp_path: Path) -> None:
        """Counted in steps of SQLite's machine, not in time; nor does a long history slow it down."""
        commit(store, document("bank.test"))
        source = SqliteSettingsSource(tmp_path)
        short = steps_of_a_look_up(tmp_path, 1)
        commit(store, document("bank.test", *(f"user{number}@d{number % 97}.test" for number in range(20_000))))
        for number in range(20):
            commit(store, document("bank.test", f"new{number}.test"))
        assert source.poll()
        assert steps_of_a_look_up(tmp_path, source.current.version) <= short + 5


def steps_of_a_look_up(data_dir: Path, version: int) -> int:
    connection = connect(data_dir)
    keys = match_keys(parse_address("bob@bank.test"))
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    connection.set_progress_handler(count, 1)
    assert len(connection.execute(lists_with(len(keys)), (*keys, version, version)).fetchall()) == 1
    connection.close()
    return steps


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    data_dir = tmp_path / "deep" / "data"
    SqliteSettingsStore(data_dir)
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in data_dir.iterdir())


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot use .*settings\.db"):
        SqliteSettingsStore(tmp_path / "file" / "data", files=Files())
