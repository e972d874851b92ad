"""What queued mail keeps: a weaker requirement of new settings reaches it only where an operator says so.

Mail accepted under a requirement keeps it, so that a typo does not release a night's mail in plaintext. To relax is to
decide afresh on what waits, without what it keeps, and to keep that instead.

1. Only what is no longer asked is relaxed; what is newly asked counts without that.
2. A notice of ours keeps the requirement of the message that it reports: of itself it has none to decide by.
3. The audit log names every recipient, before it is done.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

import msgspec

from percorso.core.policy.decide import decide
from percorso.lookups.facts import MessageFacts
from percorso.operations.actor import Actor
from percorso.ports.audit import AuditEntry, AuditLog
from percorso.ports.queue import QueueDesk, Relaxation, StoreError, Waiting
from percorso.ports.settings import SettingsSource

_COUNTED: Final = 10_000
"""Recipients that are decided on to tell how many keep more than is asked."""
_AT_ONCE: Final = 1000
"""Recipients in one entry of the audit log."""


class Stricter(msgspec.Struct, frozen=True, kw_only=True):
    """How many recipients in the queue keep more than the settings ask now."""

    count: int
    whole: bool
    """Whether all of the queue was looked at."""


def relaxations(desk: QueueDesk, source: SettingsSource, *, now: float) -> Iterator[Relaxation]:
    """The recipients, queued or held, that keep more than the settings in force ask of them."""
    for waiting in desk.required():
        yield from _relaxations(waiting, source, now)


def stricter(desk: QueueDesk, source: SettingsSource, *, now: float) -> Stricter:
    """How many those are, as far as can be told quickly."""
    count = looked_at = 0
    for waiting in desk.required():
        count += sum(1 for _ in _relaxations(waiting, source, now))
        looked_at += len(waiting.recipients)
        if looked_at >= _COUNTED:
            return Stricter(count=count, whole=False)
    return Stricter(count=count, whole=True)


def relax(desk: QueueDesk, audit: AuditLog, which: Sequence[Relaxation], *, actor: Actor, now: float) -> int:
    """Have them keep what is asked now; returns how many. What is being delivered at this moment stays as it was."""
    changed = 0
    left = iter(which)
    while some := list(islice(left, _AT_ONCE)):
        told = [{"recipient": _named(one), "old": str(one.old), "new": str(one.new)} for one in some]
        text = json.dumps({"relaxed": told}, ensure_ascii=False)
        audit.append(AuditEntry(at=now, actor=actor.name, source=actor.source, event="queue:relax", new=text))
        changed += desk.relax(some, now=now)
    return changed


def _named(one: Relaxation) -> str:
    return f"{one.id}/{one.number} {one.sender or '<>'} → {one.recipient}"


def _relaxations(waiting: Waiting, source: SettingsSource, now: float) -> Iterator[Relaxation]:
    message = waiting.message
    if message.report_of:
        return
    with suppress(StoreError, OSError):  # its content is gone: it was delivered meanwhile
        facts = MessageFacts(
            envelope=message.envelope,
            arrival=message.arrival,
            head=message.content.head(),
            size=message.content.size,
            source=source,
        )
        for queued in waiting.recipients:
            asked = decide(facts.of(queued.recipient.address, now=now), source.current).requirement
            if not asked.covers(queued.kept):
                yield Relaxation(
                    id=message.id,
                    number=queued.number,
                    sender=str(message.envelope.sender or ""),
                    recipient=str(queued.recipient.address),
                    old=queued.kept,
                    new=asked,
                )
