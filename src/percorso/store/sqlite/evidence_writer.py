"""Appends evidence to a shard's chain, inside the transaction that settles."""

import apsw

from percorso.core.evidence.chain import genesis, link, seal
from percorso.core.evidence.record import Evidence, Parties
from percorso.store.sqlite import queue_sql
from percorso.store.sqlite.connection import Row, rows, value


class EvidenceWriter:
    """The end of the chain. `append` goes on tentatively; `commit` or `undo` says what became of the transaction."""

    def __init__(self, connection: apsw.Connection, chain: str) -> None:
        self._connection = connection
        if not value(connection, queue_sql.ANY_SHARD):  # else opening has nothing to write, and waits for no lock
            connection.execute(queue_sql.INSERT_SHARD, (chain, genesis(chain)))
        (self._durable,) = rows(connection, queue_sql.CHAIN_END)
        self._number, self._hash = self._durable

    def append(self, attempts: list[tuple[Evidence, Parties]]) -> None:
        """Seal the records and add them to the chain."""
        sealed: list[Row] = []
        for evidence, parties in attempts:
            record, personal = seal(evidence, parties)
            self._number += 1
            self._hash = link(self._hash, record)
            sealed.append((self._number, record, personal, self._hash))
        queue_sql.INSERT_EVIDENCE.run(self._connection, sealed)

    def commit(self) -> None:
        """What was appended is on stable storage."""
        self._durable = (self._number, self._hash)

    def undo(self) -> None:
        """What was appended is not stored."""
        self._number, self._hash = self._durable
