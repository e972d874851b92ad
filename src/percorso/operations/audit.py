"""The audit log: list, verify."""

import msgspec

from percorso.ports.audit import AuditLog, AuditRecord


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; empty fields match everything."""

    event: str = ""
    actor: str = ""
    since: float = 0.0  # unix seconds
    before: int = 0  # go on from this number; 0 is the newest


def list_entries(log: AuditLog, wanted: Wanted, *, limit: int) -> list[AuditRecord]:
    """Entries, the newest first."""
    found = log.entries(event=wanted.event, actor=wanted.actor, since=wanted.since, before=wanted.before, limit=limit)
    return list(found)


def verify(log: AuditLog) -> int:
    """The number of entries, all of whose hashes hold; raises `ChainBroken`."""
    return log.verify()
