"""A backup of a node under way, restored elsewhere: it holds what the node held, and claims are told as uncertain."""

import json
import shutil
import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from percorso.ports.backup import BadBackup
from percorso.store import layout
from percorso.store.sqlite.restore import SqliteBackupStore
from tests.node.running import RunningNode

SETTINGS = '[organization]\ndomains = ["corp.test"]\n'
LARGE = "Subject: large\r\n\r\n" + "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 5000
"""More than is kept in the database."""


def send(node: RunningNode, content: str, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", node.port(), timeout=10) as client:
        client.sendmail("anna@corp.test", list(recipients), content)


@pytest.fixture
def running(node: RunningNode) -> RunningNode:
    """A node with settings, a secret, a small and a large message that nothing can be done about."""
    node.config.write_text(node.config.read_text() + '[dns]\nservers = ["127.0.0.1:1"]\n')
    (node.folder / "settings.toml").write_text(SETTINGS)
    node.verb("settings", "apply", "settings.toml")
    secret = node.folder / "secret"
    secret.write_text("hidden")
    node.verb("secret", "set", "encryptor-password", "--file", str(secret))
    node.start()
    send(node, "Subject: small\r\n\r\nx\r\n", "bob@bank.test", "eve@bank.test")
    send(node, LARGE, "bob@shop.test")
    node.until(lambda: tried(node) >= 3, "they are tried")
    return node


def tried(node: RunningNode) -> int:
    """Attempts at recipients, as the log tells."""
    return node.log().count("status=deferred")


def queue(node: RunningNode) -> list[tuple[object, object]]:
    entries = json.loads(node.verb("queue", "list", "--json"))["entries"]
    return [(entry["id"], entry["recipient"]) for entry in entries]


@pytest.fixture
def other(running: RunningNode) -> Iterator[RunningNode]:
    """Another node, of the same name, with a data directory of its own; not started."""
    other = RunningNode(running.folder / "other")
    other.config.write_text(running.config.read_text())
    yield other
    other.stop()


def test_backed_up_while_running_and_restored_elsewhere(running: RunningNode, other: RunningNode) -> None:
    made = json.loads(running.verb("store", "backup", "backup", "--json"))
    assert (made["settings_version"], made["recipients"]) == (1, 3)
    waiting = queue(running)
    told = other.verb("store", "restore", str(running.folder / "backup"))
    assert "3 recipients in the queue" in told
    assert queue(other) == waiting
    assert other.verb("settings", "export") == running.verb("settings", "export")
    assert other.verb("secret", "list") == running.verb("secret", "list")
    assert {path.stat().st_mode & 0o077 for path in (other.folder / "data").rglob("*")} == {0}
    (head,) = made["heads"]
    other.verb("log", "verify", "--head", f"{head['chain']}:{head['count']}:{head['hash']}")
    events = [record["entry"]["event"] for record in json.loads(other.verb("audit", "list", "--json"))]
    assert events[0] == "store:restore"
    assert json.loads(running.verb("audit", "list", "--json"))[0]["entry"]["event"] == "store:backup"
    other.start()
    other.verb("queue", "retry", "--all", "--yes")
    other.until(lambda: tried(other) >= 3, "the restored node tries them again")
    assert other.stop() == 0


def test_what_was_under_way_is_uncertain(running: RunningNode, other: RunningNode) -> None:
    running.verb("store", "backup", "backup")
    claim_all(layout.queue_database(layout.shard_directory(running.folder / "backup", 0)))
    other.verb("store", "restore", str(running.folder / "backup"))
    other.start()
    other.until(lambda: tried(other) >= 3, "claims are recorded, and tried again")
    recorded = json.loads(other.verb("log", "search", "--status", "uncertain", "--json"))
    assert len(recorded) == 3


def claim_all(path: Path) -> None:
    """As at a moment when every message was being delivered."""
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE recipient SET state = 1")
    connection.close()


def test_mail_goes_on_meanwhile(running: RunningNode) -> None:
    """However a backup meets the mail, it verifies."""
    stop = threading.Event()

    def send_on() -> None:
        while not stop.is_set():
            send(running, LARGE, "bob@shop.test")

    sender = threading.Thread(target=send_on)
    sender.start()
    try:
        for number in range(2):
            made = json.loads(running.verb("store", "backup", f"backup{number}", "--json"))
            assert made["recipients"] >= 3
    finally:
        stop.set()
        sender.join()
    shards = layout.shard_directory(running.folder / "data", 0)
    assert not (shards / ".backup").exists()


def test_what_is_there_is_not_replaced_unasked(running: RunningNode) -> None:
    running.verb("store", "backup", "backup")
    assert "is not empty" in running.verb("store", "backup", "backup", code=1)
    assert "is in use by another percorso" in running.verb("store", "restore", "backup", "--force", code=1)
    running.stop()
    assert "is there already" in running.verb("store", "restore", "backup", code=1)
    waiting = queue(running)
    running.verb("store", "restore", "backup", "--force")
    assert queue(running) == waiting
    assert list((running.folder / "data").glob("replaced-*/settings.db"))


def test_a_damaged_backup_is_not_restored(running: RunningNode) -> None:
    running.verb("store", "backup", "backup")
    for damage, words in DAMAGES.items():
        damaged = running.folder / damage.__name__
        shutil.copytree(running.folder / "backup", damaged)
        damage(damaged)
        place = running.folder / "elsewhere"
        with pytest.raises(BadBackup, match=words):
            SqliteBackupStore(place, place).restore(damaged, replace=False, progress=lambda *_: None)
        assert not place.exists()


def cut_spool(backup: Path) -> None:
    (file,) = layout.spool_directory(layout.shard_directory(backup, 0)).iterdir()
    file.write_bytes(file.read_bytes()[:-1])


def lose_manifest(backup: Path) -> None:
    (backup / "backup.json").unlink()


def damage_settings(backup: Path) -> None:
    path = layout.settings_database(backup)
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * 8192 + path.read_bytes()[16384:])


def forget_an_attempt(backup: Path) -> None:
    connection = apsw.Connection(str(layout.queue_database(layout.shard_directory(backup, 0))))
    connection.execute("DROP TRIGGER evidence_goes_only_from_the_front")
    connection.execute("DELETE FROM evidence WHERE number = (SELECT max(number) FROM evidence)")
    connection.close()


DAMAGES = {
    cut_spool: "missing or cut off",
    lose_manifest: "no whole backup",
    damage_settings: "damaged",
    forget_an_attempt: "was changed since",
}
