"""The trial itself: a real node among real servers, and every cell as the contract says."""

import json
from pathlib import Path

from percorso.core.policy.decision import Reason
from percorso.lab import table
from percorso.lab.expectations import EXPECTED, SETTINGS
from percorso.lab.trial import try_all
from percorso.ports.evidence import EvidenceFilter
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog


async def test_every_message_ends_as_the_contract_says(tmp_path: Path) -> None:
    found = await try_all(tmp_path, SqliteEvidenceLog)
    assert {result.cell.name: result.problems for result in found.results if result.problems} == {}
    assert found.leaks == ()
    assert len(found.results) == len(EXPECTED) * len(SETTINGS)
    assert found.passed
    assert found.seconds < 30
    told = json.loads(table.as_json(found.results, found.leaks, tmp_path / "percorso.toml"))
    assert {cell["fate"] for cell in told["cells"]} >= {"over TLS", "in PLAINTEXT", "via the alternate host"}
    assert Reason.ALTERNATE_ON_FAILURE in reasons(tmp_path)


def reasons(folder: Path) -> set[str]:
    """The reason codes of all decisions, from the delivery log that the node left behind."""
    log = SqliteEvidenceLog(folder / "data")
    return {record.evidence.reason for record in log.search(EvidenceFilter(), limit=1000)}
