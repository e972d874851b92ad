"""The audit log: append-only and hash-chained, beside the settings that it tells of, in `settings.db`."""

from collections.abc import Iterator
from pathlib import Path

from percorso.ports.audit import AuditEntry, AuditRecord


class SqliteAuditLog:
    """`AuditLog` of a data directory, from any process."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def append(self, entry: AuditEntry) -> None:
        """Add one entry that belongs to no settings change (its own transaction)."""
        raise NotImplementedError

    def entries(
        self, *, event: str = "", actor: str = "", since: float = 0.0, before: int = 0, limit: int = 100
    ) -> Iterator[AuditRecord]:
        """The newest first; `before` is the number to go on from (0: the newest)."""
        raise NotImplementedError

    def verify(self) -> int:
        """The number of entries, all of whose hashes hold; raises `ChainBroken` at the first that fails."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""
        raise NotImplementedError
