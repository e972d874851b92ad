"""Search in the evidence of one shard: the part without index record by record, the rest by the index."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Self

import apsw
import msgspec

from percorso.core.evidence.record import Evidence, Parties
from percorso.ports.evidence import EvidenceFilter, StoredEvidence
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.files import Files
from percorso.store.sqlite import index_sql
from percorso.store.sqlite.connection import Row, open_database, rows, value
from percorso.store.sqlite.evidence_terms import Findable, in_time, terms_asked, terms_of
from percorso.store.sqlite.migrate import check_schema, is_empty, migrations

_AT_ONCE: Final = 256
"""Records read at once: a long read would keep the worker's log from being used again."""
_FIRST_PAGE: Final = 64
"""Fewer at first: most searches want only the newest."""

_FINDABLE: Final = msgspec.json.Decoder(Findable)
_EVIDENCE: Final = msgspec.json.Decoder(Evidence)
_PARTIES: Final = msgspec.json.Decoder(Parties)


class EvidenceSearch:
    """A search in one shard; a context that closes the index."""

    def __init__(self, shard: Path, queue: apsw.Connection, files: Files) -> None:
        self._queue = queue
        self._chain: str = rows(queue, index_sql.CHAIN)[0][0]
        self._index = _open_index(layout.index_database(shard), files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._index:
            self._index.close()

    def find(self, which: EvidenceFilter) -> Iterator[StoredEvidence]:
        """The newest first, by their numbers."""
        terms = terms_asked(which)
        segments = self._segments()
        indexed = segments[0][2] if segments else 0
        yield from self._chosen(self._tail(indexed), which, set(terms))
        for number, first, last, oldest, newest in segments:
            if newest < which.since or (which.until and oldest > which.until):
                continue
            numbers = self._numbers(number, first, terms) if terms else range(first, last + 1)
            yield from self._chosen(self._records(sorted(numbers, reverse=True)), which, set(terms))

    def _segments(self) -> list[Row]:
        return rows(self._index, index_sql.SEGMENTS) if self._index else []

    def _numbers(self, segment: int, first: int, terms: list[str]) -> Iterable[int]:
        """The records of a segment that have all the terms; the first terms are the rarer ones."""
        found: set[int] | None = None
        for term in terms:
            offsets = value(self._index, index_sql.OFFSETS, (segment, term)) if self._index else None
            if offsets is None:
                return ()
            some = memoryview(offsets).cast("H")
            found = set(some) if found is None else found.intersection(some)
        return [first + offset for offset in found or ()]

    def _tail(self, indexed: int) -> Iterator[Row]:
        """The records after the last segment, the newest first."""
        before, count = 2**62, _FIRST_PAGE
        while found := rows(self._queue, index_sql.RECORDS_BEFORE, (before, indexed, count)):
            yield from found
            before, count = found[-1][0], _AT_ONCE

    def _records(self, numbers: list[int]) -> Iterator[Row]:
        """Records by their numbers, in that order."""
        start, count = 0, _FIRST_PAGE
        while some := numbers[start : start + count]:
            found = index_sql.RECORDS.run(self._queue, [(number,) for number in some])
            yield from sorted(found, key=lambda row: -row[0])
            start, count = start + count, _AT_ONCE

    def _chosen(self, found: Iterator[Row], which: EvidenceFilter, terms: set[str]) -> Iterator[StoredEvidence]:
        """Those that match: the parties of a record may have been erased since it was indexed."""
        for number, record, personal, digest in found:
            parties = _PARTIES.decode(personal) if personal else None
            findable = _FINDABLE.decode(record)
            if in_time(findable.at, which) and terms.issubset(terms_of(findable, parties)):
                yield StoredEvidence(
                    chain=self._chain,
                    number=number,
                    evidence=_EVIDENCE.decode(record),
                    parties=parties,
                    hash=digest.hex(),
                )


def _open_index(path: Path, files: Files) -> apsw.Connection | None:
    """The index, where there is one that can be used; without it a search reads every record."""
    if not path.exists():
        return None
    try:
        connection = open_database(path, files=files)
    except apsw.Error:
        return None
    try:
        if not is_empty(connection):
            check_schema(connection, migrations("index"))
            return connection
    except (apsw.Error, StoreError):
        pass
    connection.close()
    return None
