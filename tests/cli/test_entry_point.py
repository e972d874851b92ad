"""The `percorso` command itself, on a data directory of its own with the real store."""

import json
import sys
from pathlib import Path

import pytest

from percorso import app

SETTINGS = """\
[organization]
domains = ["corp.test"]

[[host]]
name = "encryptor"
primary = [{ address = "gw1.example" }]

[[address_list]]
name = "partners"
entries_file = "partners.csv"

[[tls_compliance]]
name = "Partners need TLS"
lists = ["partners"]

[[alternate_secure_route]]
host = "encryptor"
"""
EXPLAIN = ("explain", "--from", "anna@corp.test", "--to", "bob@bank.test", "--json")


class Percorso:
    """The command in this process, as `main` runs it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it printed; the exit code must be as told."""
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["percorso", *arguments])
        ended = app.main()
        captured = self._capsys.readouterr()
        assert ended == code, captured.err
        return captured.out if code == 0 else captured.err


@pytest.fixture
def percorso(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Percorso:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "percorso.toml").write_text('[node]\nname = "mail1.corp.test"\ndata_dir = "data"\n')
    (tmp_path / "settings.toml").write_text(SETTINGS)
    (tmp_path / "partners.csv").write_text("entry\nbank.test\n.partner.test\n")
    return Percorso(tmp_path, monkeypatch, capsys)


def test_settings_from_the_first_to_the_rollback(percorso: Percorso) -> None:
    empty = percorso("settings", "export")
    percorso("settings", "apply", "settings.toml", "--comment", "first")
    exported = percorso("settings", "export")
    assert '"bank.test"' in exported
    assert percorso("settings", "apply", "settings.toml") == "nothing to change: version 1 says the same\n"
    (percorso.folder / "exported.toml").write_text(exported.replace('"bank.test"', '"shop.test"'))
    percorso("settings", "apply", "exported.toml")
    assert "base = 2" in percorso("settings", "export")
    refused = percorso("settings", "apply", "exported.toml", code=1)
    assert "based on version 1, but version 2 is in force" in refused
    percorso("settings", "rollback", "1")
    assert percorso("settings", "export") == exported.replace("base = 1", "base = 3")
    assert percorso("settings", "export", "--version", "0") == empty.replace("base = 0", "base = 3")
    history = json.loads(percorso("settings", "history", "--json"))
    assert [(one["version"], one["comment"]) for one in history] == [
        (3, "back to version 1"),
        (2, ""),
        (1, "first"),
        (0, ""),
    ]


def test_every_change_is_in_the_audit_log(percorso: Percorso) -> None:
    percorso("settings", "apply", "settings.toml")
    (percorso.folder / "partners.csv").write_text("bank.test\nshop.test\n")
    percorso("settings", "apply", "settings.toml")
    (newest, *older) = json.loads(percorso("audit", "list", "--json"))
    assert {record["entry"]["version"] for record in older} == {1}
    entry = newest["entry"]
    assert (entry["event"], entry["subject"], entry["version"]) == ("address_list:change", "partners", 2)
    assert json.loads(entry["old"]) == {"entries": {"removed": [".partner.test"]}}
    assert json.loads(entry["new"]) == {"entries": {"added": ["shop.test"]}}
    assert percorso("audit", "verify") == f"the audit log is whole: {1 + len(older)} entries\n"


def test_a_refused_document_leaves_no_trace(percorso: Percorso) -> None:
    (percorso.folder / "settings.toml").write_text(SETTINGS.replace('"encryptor"', '"encrypter"', 1))
    told = percorso("settings", "apply", "settings.toml", code=2)
    assert told.startswith('settings.toml:17: alternate_secure_route of unit "/": there is no host "encryptor"')
    assert not (percorso.folder / "data").exists()


def test_explaining_the_present_and_the_past(percorso: Percorso) -> None:
    percorso("settings", "apply", "settings.toml")
    (percorso.folder / "partners.csv").write_text("shop.test\n")
    percorso("settings", "apply", "settings.toml")
    now = json.loads(percorso(*EXPLAIN))
    assert (now["version"], now["trace"]["decision"]["reason"]) == (2, "opportunistic")
    then = json.loads(percorso(*EXPLAIN, "--at", "1"))
    assert (then["version"], then["trace"]["decision"]["reason"]) == (1, "alternate-required")
    assert then["trace"]["decision"]["rules"] == ["tls_compliance/Partners need TLS", "alternate_secure_route/"]
    assert "there is no version 7" in percorso(*EXPLAIN, "--at", "7", code=1)


def test_an_empty_queue_and_log(percorso: Percorso) -> None:
    assert json.loads(percorso("queue", "list", "--json")) == {"entries": [], "total": 0}
    assert "is not in the queue" in percorso("queue", "show", "4RtqVb0001k", code=1)
    percorso("queue", "retry", "--all", code=1)
    assert json.loads(percorso("log", "search", "--json")) == []
    assert "no attempt for 4RtqVb0001k is known" in percorso("log", "show", "4RtqVb0001k", code=1)
    assert percorso("log", "verify") == "the evidence is whole: 0 records in 0 chains\n"


def test_nobody_takes_the_message(percorso: Percorso) -> None:
    arguments = ("send", "--from", "anna@corp.test", "--to", "bob@bank.test", "--server", "127.0.0.1:1")
    assert "is `percorso serve` running?" in percorso(*arguments, code=1)
