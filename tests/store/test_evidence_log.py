"""The delivery log: found by every field, with and without the index, over all shards; and what tampering shows."""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec
import pytest

from percorso.core.evidence.record import Evidence, Parties
from percorso.core.mail.address import BadAddress
from percorso.ports.evidence import ChainBroken, ChainHead, EvidenceFilter
from percorso.store import layout
from percorso.store.files import FILES
from percorso.store.sqlite import index_writer
from percorso.store.sqlite.connection import create_database, transaction, value
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog
from percorso.store.sqlite.evidence_writer import EvidenceWriter
from percorso.store.sqlite.index_writer import IndexWriter
from percorso.store.sqlite.migrate import migrate, migrations
from percorso.store.sqlite.queue import open_worker_queue
from tests.store.mail import Desk, ManualClock, keep, settle, settlement

STATUSES = ("delivered", "deferred", "failed", "uncertain")


class Attempt(NamedTuple):
    evidence: Evidence
    parties: Parties


def attempt(number: int) -> Attempt:
    """One of many attempts, all different."""
    deferred = STATUSES[number % 4] == "deferred"
    domain = f"d{number % 7}.test"
    evidence = Evidence(
        at=1_800_000_000.0 + number,
        node="mail1",
        queue_id=f"{number // 2:015X}",
        attempt=1 + number % 2,
        status=STATUSES[number % 4],
        recipient_domain=domain,
        failure="starttls-not-supported" if deferred else "",
        route="host encryptor" if number % 5 == 0 else "direct",
        secure=number % 3 == 0,
    )
    sender = "" if number % 11 == 0 else f"Sender{number % 3}@corp{number % 2}.test"
    return Attempt(evidence, Parties(sender=sender, recipient=f"User{number % 13}@{domain}", salt=str(number)))


def fill(data_dir: Path, shard: int, numbers: range) -> Path:
    """A shard with these attempts."""
    directory = layout.shard_directory(data_dir, shard)
    FILES.make_directory(directory)
    connection = create_database(layout.queue_database(directory))
    migrate(connection, migrations("queue"))
    writer = EvidenceWriter(connection, f"mail1/{shard}")
    with transaction(connection):
        writer.append([attempt(number) for number in numbers])
    connection.close()
    return directory


def index(directory: Path) -> int:
    """Build all full segments; returns how many."""
    writer = IndexWriter(directory, files=FILES, pause=lambda _: None)
    built = sum(1 for _ in iter(writer.build_next, False))
    writer.close()
    return built


@pytest.fixture(params=["indexed", "plain"])
def log(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteEvidenceLog:
    """Two shards of 500 attempts; with segments of 64 there are some, and a tail that is in none."""
    monkeypatch.setattr(index_writer, "SEGMENT", 64)
    for shard in range(2):
        directory = fill(tmp_path, shard, range(shard, 1000, 2))
        if request.param == "indexed":
            assert index(directory) == 7
    return SqliteEvidenceLog(tmp_path)


def found(log: SqliteEvidenceLog, which: EvidenceFilter, limit: int = 10_000) -> list[int]:
    """The numbers of the attempts that match, as they come."""
    return [round(stored.evidence.at - 1_800_000_000) for stored in log.search(which, limit=limit)]


def expected(meant: Callable[[Attempt], bool]) -> list[int]:
    return [number for number in reversed(range(1000)) if meant(attempt(number))]


FILTERS: list[tuple[EvidenceFilter, Callable[[Attempt], bool]]] = [
    (EvidenceFilter(), lambda _: True),
    (EvidenceFilter(queue_id=f"{77:015X}"), lambda a: a.evidence.queue_id == f"{77:015X}"),
    (EvidenceFilter(queue_id=f"{77:015x}"), lambda a: a.evidence.queue_id == f"{77:015X}"),
    (EvidenceFilter(status="failed"), lambda a: a.evidence.status == "failed"),
    (EvidenceFilter(failure="starttls-not-supported"), lambda a: a.evidence.failure != ""),
    (EvidenceFilter(host="encryptor"), lambda a: a.evidence.route == "host encryptor"),
    (EvidenceFilter(secure=True), lambda a: a.evidence.secure),
    (EvidenceFilter(secure=False), lambda a: not a.evidence.secure),
    (EvidenceFilter(recipient="d3.test"), lambda a: a.evidence.recipient_domain == "d3.test"),
    (EvidenceFilter(recipient="D3.test."), lambda a: a.evidence.recipient_domain == "d3.test"),
    (EvidenceFilter(recipient="user5@d3.test"), lambda a: a.parties.recipient == "User5@d3.test"),
    (EvidenceFilter(sender="corp1.test"), lambda a: a.parties.sender.endswith("@corp1.test")),
    (EvidenceFilter(sender="SENDER2@corp1.test"), lambda a: a.parties.sender == "Sender2@corp1.test"),
    (EvidenceFilter(sender="nobody@corp1.test"), lambda _: False),
    (
        EvidenceFilter(since=1_800_000_100.0, until=1_800_000_110.0),
        lambda a: 100 <= a.evidence.at - 1_800_000_000 <= 110,
    ),
    (EvidenceFilter(since=1_800_000_990.0), lambda a: a.evidence.at >= 1_800_000_990),
    (
        EvidenceFilter(status="delivered", secure=True, sender="corp0.test", until=1_800_000_500.0),
        lambda a: (
            a.evidence.status == "delivered"
            and a.evidence.secure
            and "@corp0." in a.parties.sender
            and a.evidence.at <= 1_800_000_500
        ),
    ),
]


@pytest.mark.parametrize("which", range(len(FILTERS)))
def test_every_field_finds_what_it_names(log: SqliteEvidenceLog, which: int) -> None:
    asked, meant = FILTERS[which]
    assert found(log, asked) == expected(meant)


def test_a_search_stops_at_its_limit(log: SqliteEvidenceLog) -> None:
    assert found(log, EvidenceFilter(status="delivered"), limit=3) == [996, 992, 988]


def test_what_is_found_is_whole(log: SqliteEvidenceLog) -> None:
    (stored,) = log.search(EvidenceFilter(since=1_800_000_500.0, until=1_800_000_500.0))
    evidence, parties = attempt(500)
    assert msgspec.structs.replace(stored.evidence, parties="") == evidence
    assert stored.parties == parties
    assert (stored.chain, stored.number) == ("mail1/0", 251)


def test_nonsense_is_refused(log: SqliteEvidenceLog) -> None:
    with pytest.raises(BadAddress):
        list(log.search(EvidenceFilter(sender="a b@c")))


def test_a_node_without_mail_has_an_empty_log(tmp_path: Path) -> None:
    log = SqliteEvidenceLog(tmp_path)
    assert list(log.search(EvidenceFilter())) == []
    assert log.heads() == log.verify() == []


def test_the_index_of_another_chain_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_writer, "SEGMENT", 64)
    directory = fill(tmp_path / "a", 0, range(500))
    other = fill(tmp_path / "b", 0, range(500, 1000))
    assert index(directory) == index(other) == 7
    layout.index_database(other).replace(layout.index_database(directory))
    assert index(directory) == 7
    assert found(SqliteEvidenceLog(tmp_path / "a"), EvidenceFilter(queue_id=f"{3:015X}")) == [7, 6]


def test_a_damaged_index_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_writer, "SEGMENT", 64)
    directory = fill(tmp_path, 0, range(500))
    layout.index_database(directory).write_bytes(b"not a database" * 1000)
    log = SqliteEvidenceLog(tmp_path)
    assert found(log, EvidenceFilter(queue_id=f"{3:015X}")) == [7, 6]
    assert index(directory) == 7
    assert found(log, EvidenceFilter(queue_id=f"{3:015X}")) == [7, 6]


@pytest.fixture
async def written(tmp_path: Path, clock: ManualClock) -> Path:
    """A shard in which a worker has written ten attempts, in three commits at least; the worker is gone."""
    queue = open_worker_queue(tmp_path, node="mail1", clock=clock, loop=asyncio.get_running_loop())
    desk = Desk()
    queue.attach(desk)
    for number in range(10):
        await keep(queue, f"user{number}@bank.test")
        await settle(queue, settlement(await desk.next()))
    await queue.close()
    return tmp_path


def open_raw(data_dir: Path) -> apsw.Connection:
    """The evidence as somebody with a database tool has it, without the triggers."""
    connection = apsw.Connection(str(layout.queue_database(layout.shard_directory(data_dir, 0))))
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
    for name in names:
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def test_an_untouched_chain_holds(written: Path) -> None:
    log = SqliteEvidenceLog(written)
    (head,) = log.heads()
    assert (head.chain, head.count) == ("mail1/0", 10)
    assert log.verify((head,)) == [head]


TAMPERINGS = {
    "changed": "UPDATE evidence SET record = CAST(replace(record, 'delivered', 'failed') AS BLOB) WHERE number = 4",
    "deleted": "DELETE FROM evidence WHERE number = 4",
    "first deleted": "DELETE FROM evidence WHERE number = 1",
    "reordered": "UPDATE evidence SET number = CASE number WHEN 4 THEN -5 ELSE -4 END WHERE number IN (4, 5);"
    "UPDATE evidence SET number = -number WHERE number < 0",
    "parties replaced": "UPDATE evidence SET parties = (SELECT max(parties) FROM evidence) WHERE number = 4",
    "forged": "INSERT INTO evidence SELECT 11, record, parties, hash FROM evidence WHERE number = 10",
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampering_is_found(written: Path, tampering: str) -> None:
    connection = open_raw(written)
    connection.execute(TAMPERINGS[tampering]).fetchall()
    connection.close()
    with pytest.raises(ChainBroken, match="mail1/0"):
        SqliteEvidenceLog(written).verify()


def rewrite(data_dir: Path, upto: int) -> None:
    """Rewrite the chain as somebody would who knows how it is made: all hashes hold again."""
    connection = open_raw(data_dir)
    kept: list[Any] = connection.execute(
        "SELECT record, parties FROM evidence ORDER BY number LIMIT ?", (upto,)
    ).fetchall()
    connection.execute("DELETE FROM evidence")
    pairs = [
        (
            msgspec.json.decode(record.replace(b"user3@", b"eve@"), type=Evidence),
            msgspec.json.decode(parties.replace(b"user3@", b"eve@"), type=Parties),
        )
        for record, parties in kept
    ]
    EvidenceWriter(connection, "mail1/0").append(pairs)
    connection.close()


@pytest.mark.parametrize(
    ("upto", "reason"), [(10, "was replaced"), (7, "record 10 is missing: the chain ends at record 7")]
)
def test_a_chain_that_was_made_anew_is_found_by_an_exported_head(written: Path, upto: int, reason: str) -> None:
    log = SqliteEvidenceLog(written)
    heads = tuple(log.heads())
    rewrite(written, upto)
    assert [head.count for head in log.verify()] == [upto]
    with pytest.raises(ChainBroken, match=reason):
        log.verify(heads)


def test_a_shard_that_is_gone_is_found_by_an_exported_head(written: Path) -> None:
    with pytest.raises(ChainBroken, match="chain mail1/7 is missing"):
        SqliteEvidenceLog(written).verify((ChainHead(chain="mail1/7", count=1, hash="00"),))


def test_an_older_head_still_holds(written: Path) -> None:
    connection = open_raw(written)
    digest: Any = value(connection, "SELECT hash FROM evidence WHERE number = 6")
    connection.close()
    head = ChainHead(chain="mail1/0", count=6, hash=digest.hex())
    SqliteEvidenceLog(written).verify((head,))


def test_erased_parties_leave_the_chain_whole(written: Path) -> None:
    connection = apsw.Connection(str(layout.queue_database(layout.shard_directory(written, 0))))
    connection.execute("UPDATE evidence SET parties = NULL WHERE number = 4")
    connection.close()
    log = SqliteEvidenceLog(written)
    assert log.verify()[0].count == 10
    assert list(log.search(EvidenceFilter(recipient="user3@bank.test"))) == []
    stored = list(log.search(EvidenceFilter(recipient="bank.test")))
    assert [one.parties is None for one in stored] == [number == 4 for number in range(10, 0, -1)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET record = x'00' WHERE number = 1",
        "UPDATE evidence SET hash = x'00' WHERE number = 1",
        "UPDATE evidence SET number = 99 WHERE number = 1",
        "UPDATE evidence SET parties = x'00' WHERE number = 1",
        "DELETE FROM evidence WHERE number = 1",
    ],
)
def test_a_slip_of_our_own_cannot_change_evidence(written: Path, statement: str) -> None:
    connection = apsw.Connection(str(layout.queue_database(layout.shard_directory(written, 0))))
    with pytest.raises(apsw.ConstraintError, match="evidence"):
        connection.execute(statement)
    connection.close()


def test_records_before_a_checkpoint_may_go(written: Path) -> None:
    """Retention will cut from the front: the chain is then followed from the checkpoint that it leaves."""
    log = SqliteEvidenceLog(written)
    heads = tuple(log.heads())
    connection = apsw.Connection(str(layout.queue_database(layout.shard_directory(written, 0))))
    connection.execute(
        "UPDATE shard SET checkpoint_number = 4, checkpoint_hash = (SELECT hash FROM evidence WHERE number = 4)"
    )
    connection.execute("DELETE FROM evidence WHERE number <= 4")
    connection.close()
    assert log.verify(heads) == list(heads)
    with pytest.raises(ChainBroken, match="removed by retention"):
        log.verify((ChainHead(chain="mail1/0", count=2, hash="00"),))


def test_a_record_can_be_checked_without_us(written: Path) -> None:
    """The bytes that are kept are JSON, and the hashes are SHA-256: any tool can follow the chain."""
    connection = apsw.Connection(str(layout.queue_database(layout.shard_directory(written, 0))))
    kept: list[Any] = connection.execute("SELECT record, hash FROM evidence ORDER BY number").fetchall()
    connection.close()
    assert all(json.loads(record)["status"] == "delivered" for record, _ in kept)
    assert len({digest for _, digest in kept}) == len(kept)
    assert all(before != after for before, after in itertools.pairwise(kept))
