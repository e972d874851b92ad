"""The audit log: append-only and hash-chained, beside the settings that it tells of, in `settings.db`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
import msgspec

from percorso.core.evidence.chain import BrokenLink, Walk, encode, genesis, link
from percorso.ports.audit import AuditEntry, AuditRecord
from percorso.ports.evidence import ChainBroken
from percorso.store.files import FILES, Files
from percorso.store.sqlite import settings_sql
from percorso.store.sqlite.connection import rows
from percorso.store.sqlite.settings_database import change, open_settings

_CHAIN: Final = "audit"
_AT_ONCE: Final = 1000
_NO_NUMBER: Final = 2**62
_DECODER: Final = msgspec.json.Decoder(AuditEntry)


def append_audit(connection: apsw.Connection, entry: AuditEntry) -> None:
    """Add an entry to the end of the chain, in the transaction that is open."""
    end = rows(connection, settings_sql.AUDIT_END)
    number, previous = end[0] if end else (0, genesis(_CHAIN))
    record = encode(entry)
    connection.execute(settings_sql.INSERT_AUDIT, (number + 1, record, link(previous, record)))


class SqliteAuditLog:
    """`AuditLog` of a data directory, from any process."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._connection = open_settings(data_dir, files=files)

    def append(self, entry: AuditEntry) -> None:
        """Add one entry that belongs to no settings change (its own transaction)."""
        with change(self._connection):
            append_audit(self._connection, entry)

    def entries(
        self, *, event: str = "", actor: str = "", since: float = 0.0, before: int = 0, limit: int = 100
    ) -> Iterator[AuditRecord]:
        """The newest first; `before` is the number to go on from (0: the newest)."""
        wanted = (before or _NO_NUMBER, event, actor, since, limit)
        for number, record, digest in rows(self._connection, settings_sql.FIND_AUDIT, wanted):
            yield AuditRecord(number=number, entry=_DECODER.decode(record), hash=digest.hex())

    def verify(self) -> int:
        """The number of entries, all of whose hashes hold; raises `ChainBroken` at the first that fails."""
        walk = Walk(0, genesis(_CHAIN))
        while found := rows(self._connection, settings_sql.AUDIT_FROM, (walk.number, _AT_ONCE)):
            try:
                for number, record, digest in found:
                    walk.step(number, record, digest)
            except BrokenLink as error:
                raise ChainBroken(f"the audit log does not hold: {error}") from None
        return walk.number

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
