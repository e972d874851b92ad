"""A node keeps to its retention by itself, and says so in the audit log."""

import json
import time

from percorso.core.evidence.record import Evidence, Parties
from percorso.store import layout
from percorso.store.files import FILES
from percorso.store.sqlite.connection import create_database, transaction
from percorso.store.sqlite.evidence_writer import EvidenceWriter
from percorso.store.sqlite.migrate import migrate, migrations
from tests.node.running import RunningNode

DAY = 86_400.0


def remember(node: RunningNode, *ages: float) -> None:
    """Evidence so many seconds old."""
    shard = layout.shard_directory(node.folder / "data", 0)
    FILES.make_directory(shard)
    connection = create_database(layout.queue_database(shard))
    migrate(connection, migrations("queue"))
    writer = EvidenceWriter(connection, "gate.corp.test/0")
    with transaction(connection):
        writer.append([attempt(time.time() - age) for age in ages])
    connection.close()


def attempt(at: float) -> tuple[Evidence, Parties]:
    evidence = Evidence(at=at, node="n", queue_id="q", attempt=1, status="delivered", recipient_domain="bank.test")
    return evidence, Parties(sender="anna@corp.test", recipient="bob@bank.test", salt="s")


def test_old_evidence_goes_and_the_chain_holds(node: RunningNode) -> None:
    remember(node, 3 * DAY, 2 * DAY, 0.5 * DAY)
    (head,) = json.loads(node.verb("log", "verify", "--json"))
    node.config.write_text(node.config.read_text() + '[retention]\nevidence = "1d"\n')
    node.start()
    node.until(lambda: node.said("retention: the evidence of gate.corp.test/0 begins after record 2"), "it is cut")
    node.verb("log", "verify", "--head", f"{head['chain']}:{head['count']}:{head['hash']}")
    assert [one["number"] for one in json.loads(node.verb("log", "search", "--json"))] == [3]
    (record,) = json.loads(node.verb("audit", "list", "--json"))
    assert record["entry"]["event"] == "evidence:retain"
    node.verb("log", "erase", "--address", "Bob@bank.test")
    (left,) = json.loads(node.verb("log", "search", "--json"))
    assert left["parties"] is None
    node.verb("log", "verify", "--head", f"{head['chain']}:{head['count']}:{head['hash']}")
