"""The audit log of a node is told where its evidence stands, so that none of it can be cut off unseen."""

import json

import apsw

from percorso.store import layout
from tests.node.running import RunningNode
from tests.node.test_retention import remember


def test_a_stopped_node_has_told_its_audit_log(node: RunningNode) -> None:
    remember(node, 30, 20, 10)
    node.start()
    assert node.stop() == 0
    (head,) = json.loads(node.verb("log", "verify", "--json"))
    (record,) = json.loads(node.verb("audit", "list", "--json"))
    assert record["entry"]["event"] == "evidence:head"
    assert json.loads(record["entry"]["new"]) == [f"{head['chain']}:3:{head['hash']}"]
    node.start()
    node.until(lambda: node.log().count("listening on") == 2, "it listens again")
    assert node.stop() == 0
    assert len(json.loads(node.verb("audit", "list", "--json"))) == 1  # nothing was added
    vandal = apsw.Connection(str(layout.queue_database(layout.shard_directory(node.folder / "data", 0))))
    for (guard,) in vandal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        vandal.execute(f"DROP TRIGGER {guard}")
    vandal.execute("DELETE FROM evidence WHERE number = 3")
    vandal.close()
    assert "gate.corp.test/0" in node.verb("log", "verify", code=1)


def test_a_node_without_settings_says_so(node: RunningNode) -> None:
    node.start()
    assert node.said("no settings exist yet: every sender is refused until `percorso settings apply`")
    node.stop()
    settings = node.folder / "settings.toml"
    settings.write_text('[organization]\ndomains = ["corp.test"]\n')
    node.verb("settings", "apply", str(settings))
    said = node.log().count("no settings exist yet")
    node.start()
    node.until(lambda: node.log().count("listening on") == 2, "it listens again")
    assert node.log().count("no settings exist yet") == said
