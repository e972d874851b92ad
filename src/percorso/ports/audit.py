"""The audit log: who changed what, when, from where, old and new value. Hash-chained."""

from collections.abc import Iterator
from typing import Protocol

import msgspec


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one thing."""

    at: float  # unix seconds
    actor: str  # "root (uid 0)", an administrator, or "percorso" for the node itself
    source: str  # "cli", "api" or "console", with the address where there is one
    event: str  # closed vocabulary "subject:action", such as "tls_compliance:change"
    unit: str = "/"
    subject: str = ""  # the name of the thing changed
    old: str = ""  # JSON
    new: str = ""  # JSON
    version: int = 0  # the settings version that it led to


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is kept, with its place in the chain."""

    number: int  # from 1
    entry: AuditEntry
    hash: str  # hex


class AuditLog(Protocol):
    """Append-only."""

    def append(self, entry: AuditEntry) -> None:
        """Add one entry that belongs to no settings change (its own transaction)."""
        ...

    def entries(
        self, *, event: str = "", actor: str = "", since: float = 0.0, before: int = 0, limit: int = 100
    ) -> Iterator[AuditRecord]:
        """The newest first; `before` is the number to go on from (0: the newest)."""
        ...

    def verify(self) -> int:
        """The number of entries, all of whose hashes hold; raises `ChainBroken` at the first that fails."""
        ...
