"""The queue: list, show, retry, hold, release, delete."""

import json
from collections.abc import Iterator

import msgspec

from percorso.operations.actor import Actor
from percorso.ports.audit import AuditEntry, AuditLog
from percorso.ports.evidence import EvidenceFilter, EvidenceLog, StoredEvidence
from percorso.ports.queue import QueueDesk, QueueEntry, QueueFilter, State


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
    """Make what matches and waits due now; returns how many recipients."""
    if not _audited(desk, audit, _in_state(which, "queued"), _entry("queue:retry", actor, now)):
        return 0
    return desk.retry(which, now=now)


def hold(desk: QueueDesk, audit: AuditLog, which: QueueFilter, *, actor: Actor, now: float) -> int:
    """Keep what matches from being tried until it is released; returns how many recipients."""
    if not _audited(desk, audit, _in_state(which, "queued"), _entry("queue:hold", actor, now)):
        return 0
    return desk.hold(which)


def release(desk: QueueDesk, audit: AuditLog, which: QueueFilter, *, actor: Actor, now: float) -> int:
    """Let what matches and is held be tried again, decided afresh and at once; returns how many recipients."""
    if not _audited(desk, audit, _in_state(which, "held"), _entry("queue:release", actor, now)):
        return 0
    return desk.release(which, now=now)


def delete(desk: QueueDesk, audit: AuditLog, which: QueueFilter, *, actor: Actor, now: float) -> int:
    """Remove what matches for good, without a notice to anybody; returns how many recipients.

    The audit log names each of them. What is being delivered at this moment stays.
    """
    states = [_in_state(which, state) for state in ("queued", "held") if which.state in {"", state}]
    if not sum(_audited(desk, audit, one, _entry("queue:delete", actor, now), by_name=True) for one in states):
        return 0
    return desk.delete(which)


def _in_state(which: QueueFilter, state: State) -> QueueFilter:
    return msgspec.structs.replace(which, state=state)


def _entry(event: str, actor: Actor, now: float) -> AuditEntry:
    return AuditEntry(at=now, actor=actor.name, source=actor.source, event=event)


def _audited(desk: QueueDesk, audit: AuditLog, which: QueueFilter, entry: AuditEntry, *, by_name: bool = False) -> int:
    """Tell the audit log before it is done, so that it is never done unseen; returns how many recipients match."""
    count = desk.count(which)
    if not count:
        return 0
    given = {key: value for key, value in msgspec.structs.asdict(which).items() if value}
    told: dict[str, object] = {"filter": given, "recipients": count}
    if by_name:
        told["deleted"] = [f"{one.id}/{one.number} {one.sender or '<>'} → {one.recipient}" for one in _all(desk, which)]
    audit.append(msgspec.structs.replace(entry, subject=which.id, new=json.dumps(told, ensure_ascii=False)))
    return count


def _all(desk: QueueDesk, which: QueueFilter) -> Iterator[QueueEntry]:
    after = ""
    while page := list(desk.entries(which, after=after, limit=1000)):
        yield from page
        after = f"{page[-1].id}/{page[-1].number}"
