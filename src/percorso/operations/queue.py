"""The queue: list, show, retry."""

import json

import msgspec

from percorso.operations.actor import Actor
from percorso.ports.audit import AuditEntry, AuditLog
from percorso.ports.evidence import EvidenceFilter, EvidenceLog, StoredEvidence
from percorso.ports.queue import QueueDesk, QueueEntry, QueueFilter


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the entries that match."""

    entries: list[QueueEntry]
    total: int


class QueuedStory(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the queue: its recipients that wait, and every attempt that was made."""

    entries: list[QueueEntry]
    attempts: list[StoredEvidence]  # the oldest first


def list_entries(desk: QueueDesk, which: QueueFilter, *, after: str = "", limit: int) -> Listing:
    """Recipients in the queue, by queue id."""
    entries = list(desk.entries(which, after=after, limit=limit))
    return Listing(entries=entries, total=desk.count(which))


def show(desk: QueueDesk, evidence: EvidenceLog, queue_id: str, *, limit: int = 10_000) -> QueuedStory:
    """One message; no entries where it is not in the queue (any more)."""
    entries = list(desk.entries(QueueFilter(id=queue_id), limit=limit))
    attempts = list(evidence.search(EvidenceFilter(queue_id=queue_id), limit=limit))
    return QueuedStory(entries=entries, attempts=attempts[::-1])


def retry(desk: QueueDesk, audit: AuditLog, which: QueueFilter, *, actor: Actor, now: float) -> int:
    """Make what matches and waits due now; returns how many recipients. Audited before it is done, so never unseen."""
    which = msgspec.structs.replace(which, state="queued")
    count = desk.count(which)
    if not count:
        return 0
    given = {key: value for key, value in msgspec.structs.asdict(which).items() if value and key != "state"}
    entry = AuditEntry(
        at=now,
        actor=actor.name,
        source=actor.source,
        event="queue:retry",
        subject=which.id,
        new=json.dumps({"filter": given, "recipients": count}),
    )
    audit.append(entry)
    return desk.retry(which, now=now)
