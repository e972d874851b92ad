"""Retention and erasure: the chains hold, nobody's name is left behind, and the index forgets too."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from percorso.core.mail.address import parse_address
from percorso.ports.evidence import ChainBroken, ChainHead, EvidenceFilter
from percorso.store import layout
from percorso.store.files import FILES
from percorso.store.sqlite import index_writer
from percorso.store.sqlite.connection import create_database, rows
from percorso.store.sqlite.evidence_curator import SqliteEvidenceCurator
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog
from percorso.store.sqlite.evidence_writer import EvidenceWriter
from percorso.store.sqlite.index_writer import IndexWriter
from tests.store.test_evidence_log import attempt, fill, found, index

START = 1_800_000_000.0
WHO = "User5@d3.test"


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_writer, "SEGMENT", 64)


def curator(folder: Path, rest: Callable[[float], object] = lambda _: None) -> SqliteEvidenceCurator:
    return SqliteEvidenceCurator(folder, rest=rest)


def octets(folder: Path) -> bytes:
    """All that the data directory holds, once every log is in its database."""
    for path in folder.rglob("*.db"):
        connection = create_database(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("indexed", [True, False])
def test_cut_from_the_front(tmp_path: Path, indexed: bool) -> None:
    directory = fill(tmp_path, 0, range(1000))
    if indexed:
        index(directory)
    log = SqliteEvidenceLog(tmp_path)
    heads = log.verify()
    (checkpoint,) = curator(tmp_path).cut(START + 700)
    assert (checkpoint.chain, checkpoint.count) == ("mail1/0", 700)
    assert log.verify(tuple(heads)) == heads
    assert log.verify((checkpoint,)) == heads
    assert found(log, EvidenceFilter()) == list(reversed(range(700, 1000)))
    assert curator(tmp_path).cut(START + 700) == []
    with pytest.raises(ChainBroken, match="removed by retention"):
        log.verify((ChainHead(chain="mail1/0", count=10, hash=""),))
    if indexed:
        assert index(directory) == 0
        connection = create_database(layout.index_database(directory))
        assert rows(connection, "SELECT min(last) FROM segment")[0][0] >= 700
        assert rows(connection, "SELECT min(segment) FROM posting") == rows(
            connection, "SELECT min(number) FROM segment"
        )
        connection.close()


def test_only_the_front_is_cut_although_times_are_out_of_order(tmp_path: Path) -> None:
    order = list(range(100))
    order[10], order[90] = order[90], order[10]
    directory = layout.shard_directory(tmp_path, 0)
    fill(tmp_path, 0, range(0))
    connection = create_database(layout.queue_database(directory))
    writer = EvidenceWriter(connection, "mail1/0")
    writer.append([attempt(number) for number in order])
    connection.close()
    (checkpoint,) = curator(tmp_path).cut(START + 50)
    assert checkpoint.count == 10
    assert len(SqliteEvidenceLog(tmp_path).verify()) == 1


def test_all_is_cut_and_the_chain_goes_on(tmp_path: Path) -> None:
    directory = fill(tmp_path, 0, range(200))
    index(directory)
    log = SqliteEvidenceLog(tmp_path)
    heads = log.heads()
    assert curator(tmp_path).cut(START + 1000) == heads == log.heads() == log.verify()
    fill(tmp_path, 0, range(200, 400))
    assert log.verify(tuple(heads))[0].count == 400
    assert index(directory) == 3
    assert found(log, EvidenceFilter(sender="sender2@corp1.test")) == [
        number for number in reversed(range(200, 400)) if attempt(number).parties.sender == "Sender2@corp1.test"
    ]


def test_what_was_cut_is_overwritten(tmp_path: Path) -> None:
    """All but the copy of one record that SQLite may leave in the gap of a page that it merged."""
    index(fill(tmp_path, 0, range(200)))
    assert octets(tmp_path).count(b"@corp1.test") > 50
    curator(tmp_path).cut(START + 1000)
    index(layout.shard_directory(tmp_path, 0))
    assert octets(tmp_path).count(b"@corp1.test") <= 1


def test_one_person_is_erased(tmp_path: Path) -> None:
    for shard in range(2):
        index(fill(tmp_path, shard, range(shard, 1000, 2)))
    log = SqliteEvidenceLog(tmp_path)
    before, heads = found(log, EvidenceFilter()), log.verify()
    theirs = found(log, EvidenceFilter(recipient=WHO))
    assert theirs
    assert octets(tmp_path).count(WHO.encode()) >= len(theirs)
    assert curator(tmp_path).erase(parse_address("USER5+news@d3.test")) == len(theirs)
    assert log.verify(tuple(heads)) == heads
    assert found(log, EvidenceFilter()) == before
    assert found(log, EvidenceFilter(recipient=WHO)) == []
    assert set(theirs) < set(found(log, EvidenceFilter(recipient="d3.test")))
    assert found(log, EvidenceFilter(recipient="user6@d3.test"))
    # A copy may be left in the gap of a page that SQLite once split: nobody finds it but with a hex editor.
    assert octets(tmp_path).lower().count(WHO.lower().encode()) <= 1
    assert curator(tmp_path).erase(parse_address(WHO)) == 0


def test_a_sender_is_erased(tmp_path: Path) -> None:
    fill(tmp_path, 0, range(100))
    log = SqliteEvidenceLog(tmp_path)
    theirs = found(log, EvidenceFilter(sender="sender2@corp1.test"))
    assert curator(tmp_path).erase(parse_address("sender2@corp1.test")) == len(theirs) > 0
    assert found(log, EvidenceFilter(sender="sender2@corp1.test")) == []


@pytest.mark.parametrize("change", ["erase", "cut"])
def test_what_changes_while_a_segment_is_built(tmp_path: Path, change: str) -> None:
    """However the two meet, the segment does not bring back what was removed."""
    directory = fill(tmp_path, 0, range(64))
    pauses = [0]

    def interrupt(_: float) -> None:
        pauses[0] += 1
        if pauses[0] != 1:
            return
        if change == "erase":
            curator(tmp_path).erase(parse_address(WHO))
        else:
            curator(tmp_path).cut(START + 10)

    writer = IndexWriter(directory, files=FILES, pause=interrupt)
    assert writer.build_next() is False
    assert writer.build_next() is (change == "erase")
    writer.close()
    assert WHO.lower().encode() not in layout.index_database(directory).read_bytes().lower() or change == "cut"
    log = SqliteEvidenceLog(tmp_path)
    assert len(found(log, EvidenceFilter())) == (64 if change == "erase" else 54)


def test_a_worker_appends_meanwhile(tmp_path: Path) -> None:
    """Cutting waits for nobody for long, and the chain holds after any interleaving."""
    directory = fill(tmp_path, 0, range(3000))
    connection = create_database(layout.queue_database(directory))
    writer = EvidenceWriter(connection, "mail1/0")
    numbers = iter(range(3000, 4000))

    def append(_: float) -> None:
        with connection:
            writer.append([attempt(next(numbers)) for _ in range(random.randint(1, 5))])
        writer.commit()

    (checkpoint,) = curator(tmp_path, append).cut(START + 2500)
    connection.close()
    assert checkpoint.count == 2500
    (head,) = SqliteEvidenceLog(tmp_path).verify()
    assert head.count > 3000
