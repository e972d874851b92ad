"""Retention and erasure, as the audit log tells of them."""

import hashlib
import json
from pathlib import Path

import pytest

from percorso.core.mail.address import parse_address
from percorso.operations import evidence
from percorso.ports.evidence import ChainHead
from percorso.ports.queue import StoreError
from tests.operations.stores_in_memory import ROOT, Node

ANNA = parse_address("Anna@corp.test")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_the_audit_log_does_not_name_who_was_erased(node: Node) -> None:
    assert evidence.erase(node.curator, node.audit, ANNA, salt="s", actor=ROOT, now=5.0) == 3
    assert node.curator.erased == ["Anna@corp.test"]
    (record,) = node.audit.records
    assert (record.entry.event, record.entry.actor, record.entry.at) == ("evidence:erase", ROOT.name, 5.0)
    told = json.loads(record.entry.new)
    assert told == {"salt": "s", "digest": hashlib.sha256(b"s anna@corp.test").hexdigest()}
    assert "anna" not in f"{record.entry}".lower()


def test_an_erasure_is_audited_before_it_is_done(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_person: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(node.curator, "erase", fail)
    with pytest.raises(StoreError):
        evidence.erase(node.curator, node.audit, ANNA, salt="s", actor=ROOT, now=5.0)
    assert len(node.audit.records) == 1


def test_retention_tells_where_the_chains_begin(node: Node) -> None:
    node.curator.checkpoints = [ChainHead(chain="mail1/0", count=700, hash="ab")]
    evidence.retain(node.curator, node.audit, seconds=100.0, now=1000.0)
    assert node.curator.cuts == [900.0]
    (record,) = node.audit.records
    assert (record.entry.event, record.entry.actor) == ("evidence:retain", "percorso")
    assert json.loads(record.entry.new) == {"before": 900, "checkpoints": ["mail1/0:700:ab"]}


def test_nothing_is_old_enough(node: Node) -> None:
    assert evidence.retain(node.curator, node.audit, seconds=100.0, now=1000.0) == []
    assert node.audit.records == []
