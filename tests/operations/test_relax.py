"""Queued mail keeps its requirement until an operator relaxes it: what is listed, what is not, and the audit."""

import json
from pathlib import Path

import msgspec
import pytest

from percorso.core.mail.address import parse_address, parse_path
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC, Requirement, TlsVersion
from percorso.operations import relax
from percorso.ports.queue import QueuedMessage, QueuedRecipient, Relaxation, Waiting
from percorso.store.content import InlineContent
from tests.operations.stores_in_memory import ROOT, Node
from tests.proof.settings_in_memory import MemorySettings, document

LAX = '[organization]\ndomains = ["corp.test"]\n'
STRICT = LAX + '[[tls_compliance]]\nname = "All"\nall = true\nrequire_ca = false\nvalidate_hostname = false\n'
KEPT = Requirement(encrypted=True, min_version=TlsVersion.TLS_1_2)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def keeping(kept: Requirement = KEPT, *, report_of: str = "", requiretls: bool = False) -> Waiting:
    message = QueuedMessage(
        id="4RtqVb0001k",
        envelope=Envelope(sender=parse_path("a@corp.test"), requiretls=requiretls),
        arrival=Arrival(client="192.0.2.1", helo="pc", listener="127.0.0.1:2525"),
        accepted_at=1.0,
        content=InlineContent(b"Subject: hello\r\n\r\nHello.\r\n"),
        report_of=report_of,
    )
    to = EnvelopeRecipient(address=parse_address("bob@bank.test"))
    return Waiting(message=message, recipients=(QueuedRecipient(number=3, recipient=to, kept=kept),))


def listed(node: Node, settings: str, *waiting: Waiting) -> list[Relaxation]:
    node.desk.keeping = list(waiting)
    return list(relax.relaxations(node.desk, MemorySettings(document(settings)), now=9.0))


def test_what_is_no_longer_asked_is_listed_with_what_is_asked_instead(node: Node) -> None:
    (found,) = listed(node, LAX, keeping())
    assert (found.id, found.number, found.recipient) == ("4RtqVb0001k", 3, "bob@bank.test")
    assert (found.old, found.new) == (KEPT, OPPORTUNISTIC)


@pytest.mark.parametrize(
    ("settings", "waiting"),
    [
        (STRICT, keeping()),
        (STRICT, keeping(ENCRYPTED)),
        (LAX, keeping(report_of="4RtqVb0000a")),
    ],
    ids=["as before", "stricter now", "a notice keeps what its message required"],
)
def test_what_is_not_listed(node: Node, settings: str, waiting: Waiting) -> None:
    assert listed(node, settings, waiting) == []


def test_what_the_sender_asked_for_is_never_relaxed(node: Node) -> None:
    asked = Requirement(encrypted=True, min_version=TlsVersion.TLS_1_2, requiretls=True)
    assert listed(node, LAX, keeping(asked, requiretls=True)) == []


def test_a_part_of_a_requirement_can_go(node: Node) -> None:
    (found,) = listed(node, STRICT, keeping(msgspec.structs.replace(KEPT, min_version=TlsVersion.TLS_1_3)))
    assert found.new == KEPT


def test_all_are_named_in_the_audit_log_before_it_is_done(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    found = listed(node, LAX, keeping())
    audited: list[int] = []
    done = node.desk.relax

    def watched(which: list[Relaxation], *, now: float) -> int:
        audited.append(len(node.audit.records))
        return done(which, now=now)

    monkeypatch.setattr(node.desk, "relax", watched)
    assert relax.relax(node.desk, node.audit, found, actor=ROOT, now=9.0) == 1
    assert (audited, node.desk.relaxed) == ([1], found)
    entry = node.audit.records[0].entry
    assert (entry.event, entry.actor) == ("queue:relax", "root (uid 0)")
    assert json.loads(entry.new)["relaxed"] == [
        {
            "recipient": "4RtqVb0001k/3 a@corp.test → bob@bank.test",
            "old": "encrypted, TLS 1.2 or later",
            "new": "opportunistic",
        }
    ]


def test_how_many_keep_more_is_told_up_to_a_bound(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.desk.keeping = [keeping()] * 5
    source = MemorySettings(document(LAX))
    assert relax.stricter(node.desk, source, now=9.0) == relax.Stricter(count=5, whole=True)
    monkeypatch.setattr(relax, "_COUNTED", 3)
    assert relax.stricter(node.desk, source, now=9.0) == relax.Stricter(count=3, whole=False)
