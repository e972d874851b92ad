"""Settings are planned, applied, exported and rolled back; every change is audited."""

from pathlib import Path

import msgspec
import pytest

from percorso.core.settings.toml import render
from percorso.operations import settings
from percorso.operations.settings_file import BadSettings, Draft, check_settings, read_settings
from percorso.ports.audit import AuditEntry
from percorso.ports.settings import SettingsConflict
from tests.operations.stores_in_memory import ROOT, Node

FIRST = """\
[organization]
domains = ["corp.test"]

[[address_list]]
name = "partners"
entries_file = "lists/partners.csv"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/partners.csv").write_text("address,since\nbank.test,2019\n\n audit@partner.test ,2020\n")
    written = tmp_path / "settings.toml"
    written.write_text(FIRST)
    return written


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def apply(node: Node, draft: Draft) -> int:
    return settings.apply(node.settings, settings.plan(node.settings, draft), actor=ROOT, now=1000.0)


def test_entries_come_from_their_file(file: Path) -> None:
    (partners,) = read_settings(file).document.address_list
    assert partners.entries == ("bank.test", "audit@partner.test")
    assert partners.entries_file == ""


def test_an_entry_file_from_a_spreadsheet_begins_with_a_mark(file: Path) -> None:
    (file.parent / "lists/partners.csv").write_text('Address\r\n"bank.test",2019\r\n', encoding="utf-8-sig")
    assert read_settings(file).document.address_list[0].entries == ("bank.test",)


def test_a_bad_entry_is_told_by_its_own_file_and_line(file: Path) -> None:
    (file.parent / "lists/partners.csv").write_text("bank.test\nno domain\n")
    with pytest.raises(BadSettings) as caught:
        read_settings(file)
    (problem,) = caught.value.problems
    told = problem.at("settings.toml")
    assert told.startswith(
        "settings.toml:6: lists/partners.csv:2: address_list \"partners\": 'no domain' is not a domain"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        (b"\xff\xfe", "codec can't decode"),
        (b"x.test\n" * 100_001, "it has more than 100000 entries"),
    ],
)
def test_an_entry_file_that_cannot_be_used(file: Path, content: bytes | None, why: str) -> None:
    partners = file.parent / "lists/partners.csv"
    partners.unlink()
    if content is not None:
        partners.write_bytes(content)
    with pytest.raises(BadSettings, match=r'entries_file "lists/partners\.csv" cannot be read') as caught:
        read_settings(file)
    assert why in str(caught.value)
    assert caught.value.problems[0].line == 6


def test_a_ca_file_must_be_on_this_node(file: Path) -> None:
    host = '\n[[host]]\nname = "gw"\nprimary = [{ address = "gw.test" }]\nca_file = "/absent/ca.pem"\n'
    with pytest.raises(BadSettings, match=r":11: host \"gw\": ca_file \"/absent/ca.pem\" cannot be read"):
        check_settings(FIRST + host, file)


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"absent.toml: cannot be read \(No such file or directory\)"):
        read_settings(tmp_path / "absent.toml")


def test_applying_makes_a_version_and_audits_each_table(file: Path, node: Node) -> None:
    assert apply(node, read_settings(file)) == 1
    told = [(record.entry.event, record.entry.subject, record.entry.version) for record in node.audit.records]
    assert told == [("organization:change", "", 1), ("address_list:create", "partners", 1)]
    assert {record.entry.actor for record in node.audit.records} == {"root (uid 0)"}
    assert node.settings.document(1) == read_settings(file).document


def test_what_changes_nothing_makes_no_version(file: Path, node: Node) -> None:
    apply(node, read_settings(file))
    assert apply(node, read_settings(file)) == 1
    assert node.settings.newest().version == 1


def test_a_document_of_an_older_base_is_refused(file: Path, node: Node) -> None:
    exported = settings.export(node.settings)
    apply(node, read_settings(file))
    draft = check_settings(exported, file)
    assert settings.plan(node.settings, draft).conflict
    with pytest.raises(SettingsConflict, match="based on version 0, but version 1 is in force"):
        apply(node, draft)
    assert node.settings.newest().version == 1


def test_an_export_can_be_applied_again(file: Path, node: Node) -> None:
    apply(node, read_settings(file))
    exported = settings.export(node.settings)
    assert exported.startswith("base = 1\n")
    assert not settings.plan(node.settings, check_settings(exported, file)).changes


def test_rolling_back_makes_a_new_version_that_equals_the_old(file: Path, node: Node) -> None:
    apply(node, read_settings(file))
    changed = check_settings(render(node.settings.document(1)).replace("bank.test", "shop.test"), file)
    apply(node, changed)
    back = settings.plan_rollback(node.settings, 1)
    assert settings.apply(node.settings, back, actor=ROOT, now=2000.0) == 3
    assert node.settings.document(3) == node.settings.document(1)
    assert node.settings.newest().comment == "back to version 1"


def test_rolling_back_to_what_would_be_refused_today(file: Path, node: Node) -> None:
    document = read_settings(file).document
    bad = document.model_copy(update={"organization": document.organization.model_copy(update={"domains": ()})})
    node.settings.commit(bad, base=0, audit=[_entry()], at=0.0)
    with pytest.raises(settings.NoLongerValid, match="domains is empty"):
        settings.plan_rollback(node.settings, 1)


def test_an_unknown_version(node: Node) -> None:
    with pytest.raises(settings.UnknownVersion, match="there is no version 7"):
        settings.plan_rollback(node.settings, 7)
    with pytest.raises(settings.UnknownVersion):
        settings.export(node.settings, 7)


def _entry() -> AuditEntry:
    return AuditEntry(at=0.0, actor="test", source="cli", event="organization:change")


def test_a_plan_is_plain_data(file: Path, node: Node) -> None:
    found = settings.plan(node.settings, read_settings(file))
    assert msgspec.json.decode(msgspec.json.encode(found.changes))[1]["name"] == "partners"
