"""What operators do with the queue, the delivery log and the audit log."""

from pathlib import Path

import msgspec
import pytest

from percorso.operations import audit, log, queue
from percorso.ports.audit import AuditEntry
from percorso.ports.evidence import ChainBroken, ChainHead
from percorso.ports.queue import QueueFilter
from tests.operations.records import attempt, waiting
from tests.operations.stores_in_memory import ROOT, Node


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_a_retry_is_audited_before_it_is_done(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.desk.waiting = [waiting(recipient="bob@bank.test"), waiting(recipient="eve@shop.test")]
    seen_at_retry: list[int] = []
    original = node.desk.retry

    def watched(which: QueueFilter, *, now: float) -> int:
        seen_at_retry.append(len(node.audit.records))
        return original(which, now=now)

    monkeypatch.setattr(node.desk, "retry", watched)
    which = QueueFilter(recipient="bank.test")
    assert queue.retry(node.desk, node.audit, which, actor=ROOT, now=5.0) == 1
    assert seen_at_retry == [1]
    (record,) = node.audit.records
    assert (record.entry.event, record.entry.actor) == ("queue:retry", "root (uid 0)")
    assert record.entry.new == '{"filter": {"recipient": "bank.test", "state": "queued"}, "recipients": 1}'


def test_only_what_waits_is_retried(node: Node) -> None:
    node.desk.waiting = [msgspec.structs.replace(waiting(), state="held"), waiting(number=1)]
    assert queue.retry(node.desk, node.audit, QueueFilter(id=waiting().id), actor=ROOT, now=5.0) == 1


def test_a_retry_of_nothing_is_not_audited(node: Node) -> None:
    assert queue.retry(node.desk, node.audit, QueueFilter(id="none"), actor=ROOT, now=5.0) == 0
    assert not node.audit.records
    assert not node.desk.retried


def test_held_mail_is_not_queued_until_it_is_released(node: Node) -> None:
    node.desk.waiting = [waiting(number=0), waiting(number=1)]
    assert queue.hold(node.desk, node.audit, QueueFilter(), actor=ROOT, now=5.0) == 2
    assert queue.retry(node.desk, node.audit, QueueFilter(), actor=ROOT, now=5.0) == 0
    assert queue.release(node.desk, node.audit, QueueFilter(), actor=ROOT, now=6.0) == 2
    assert [record.entry.event for record in node.audit.records] == ["queue:hold", "queue:release"]


def test_the_audit_log_names_what_is_deleted(node: Node) -> None:
    held = msgspec.structs.replace(waiting(number=1, recipient="eve@shop.test"), state="held")
    claimed = msgspec.structs.replace(waiting(number=2), state="claimed")
    node.desk.waiting = [waiting(number=0, recipient="bob@bank.test"), held, claimed]
    assert queue.delete(node.desk, node.audit, QueueFilter(), actor=ROOT, now=5.0) == 2
    assert node.desk.waiting == [claimed]
    told = " ".join(record.entry.new for record in node.audit.records)
    assert "bob@bank.test" in told
    assert "eve@shop.test" in told
    assert "4RtqVb0001k/2" not in told


def test_heads_are_told_once_and_asked_of_the_chain_later(node: Node) -> None:
    node.evidence.records = [attempt(number=1)]
    assert log.record_heads(node.evidence, node.audit, now=5.0)
    assert not log.record_heads(node.evidence, node.audit, now=6.0), "nothing was added"
    assert [record.entry.event for record in node.audit.records] == ["evidence:head"]
    log.verify(node.evidence, node.audit)
    forged = msgspec.structs.replace(node.audit.records[0].entry, new='["mail1/0:1:cd"]')
    node.audit.append(forged)
    with pytest.raises(ChainBroken):
        log.verify(node.evidence, node.audit)


def test_nothing_is_told_of_an_empty_chain(node: Node) -> None:
    assert not log.record_heads(node.evidence, node.audit, now=5.0)


def test_a_listing_knows_how_many_there_are(node: Node) -> None:
    node.desk.waiting = [waiting(number=number) for number in range(5)]
    listing = queue.list_entries(node.desk, QueueFilter(), after="4RtqVb0001k/1", limit=2)
    assert ([entry.number for entry in listing.entries], listing.total) == ([2, 3], 5)


def test_a_story_has_its_attempts_the_oldest_first(node: Node) -> None:
    node.evidence.records = [attempt(number=1, status="deferred"), attempt(number=2), attempt(queue_id="other")]
    node.desk.waiting = [waiting()]
    assert [record.evidence.attempt for record in log.show(node.evidence, "4RtqVb0001k")] == [1, 2]
    story = queue.show(node.desk, node.evidence, "4RtqVb0001k")
    assert ([entry.id for entry in story.entries], len(story.attempts)) == (["4RtqVb0001k"], 2)


def test_heads_are_read_as_they_are_printed(node: Node) -> None:
    (head,) = log.verify(node.evidence, node.audit)
    assert log.parse_head(str(head)) == head
    assert log.parse_head("a:b/0:12:ff") == ChainHead(chain="a:b/0", count=12, hash="ff")
    with pytest.raises(ChainBroken):
        log.verify(node.evidence, node.audit, (ChainHead(chain="mail1/0", count=1, hash="cd"),))


@pytest.mark.parametrize("text", ["", "mail1/0", "mail1/0:twelve:ff", ":1:ff", "mail1/0:1:"])
def test_no_heads(text: str) -> None:
    with pytest.raises(ValueError, match="is no head of a chain"):
        log.parse_head(text)


def test_audit_entries_by_what_is_wanted(node: Node) -> None:
    for event in ("host:create", "host:change", "queue:retry"):
        node.audit.append(AuditEntry(at=1.0, actor="root (uid 0)", source="cli", event=event))
    found = audit.list_entries(node.audit, audit.Wanted(event="host:change"), limit=10)
    assert [record.number for record in found] == [2]
    assert [record.number for record in audit.list_entries(node.audit, audit.Wanted(before=3), limit=1)] == [2]
    assert audit.verify(node.audit) == 3
