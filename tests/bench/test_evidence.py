"""The evidence that the benchmark makes up is what the store would have written."""

from pathlib import Path

from bench.evidence import NODE, fill
from percorso.ports.evidence import EvidenceFilter
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog

ROWS = 9000  # more than one segment of the index


def test_it_is_chained_and_found(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    fill(tmp_path / "data", ROWS, lambda done, all_of_them: told.append((done, all_of_them)))
    log = SqliteEvidenceLog(tmp_path / "data")
    (head,) = log.verify()
    assert (head.chain, head.count) == (f"{NODE}/0", ROWS)
    (found,) = log.search(EvidenceFilter(recipient="customer4711.test"))
    assert found.number == 4712
    assert told[-1] == (ROWS, ROWS)
