"""Builds the search index of a shard's evidence, behind the mail and out of its way.

A segment is written when all its records are there. It takes its records in slices and rests in between, because the
event loop shares the interpreter with it.
"""

import logging
import threading
from array import array
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
import msgspec

from percorso.core.evidence.record import Parties
from percorso.store import layout
from percorso.store.files import Files
from percorso.store.sqlite import index_sql
from percorso.store.sqlite.connection import create_database, open_database, rows, transaction, value
from percorso.store.sqlite.evidence_terms import Findable, terms_of
from percorso.store.sqlite.migrate import migrate, migrations

SEGMENT: Final = 8192
"""Records in a segment; also how many, at most, a search reads one by one. Less than 65,536."""
_SLICE: Final = 128
_REST: Final = 0.003  # seconds between slices
_LOOK: Final = 1.0  # seconds between looks for a full segment
_LOOK_AFTER_ERROR: Final = 60.0
_CACHE_KIB: Final = 8 * 1024

_RECORDS: Final = msgspec.json.Decoder(list[Findable])
_PARTIES: Final = msgspec.json.Decoder(list[Parties | None])
_log = logging.getLogger("percorso.store")


class IndexWriter:
    """Owns index.db of a shard that this process holds."""

    def __init__(self, shard: Path, *, files: Files, pause: Callable[[float], object]) -> None:
        self._pause = pause
        self._queue = open_database(layout.queue_database(shard), files=files)
        self._index = _open_index(layout.index_database(shard), files)
        self._kept_from = 0
        self._segment, self._indexed = self._last_segment()

    def build_next(self) -> bool:
        """Write the next segment, if all its records are there."""
        first, last = rows(self._queue, index_sql.FIRST_AND_LAST)[0]
        self._drop(first or (self._indexed + 1))
        start = max(self._indexed + 1, first or 1)
        if (last or 0) < start + SEGMENT - 1:
            return False
        return self._write(start, start + SEGMENT - 1)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()
        self._index.close()

    def _drop(self, first: int) -> None:
        """Remove the segments before the first record that is still there."""
        if first <= self._kept_from:
            return
        with transaction(self._index):
            self._index.execute(index_sql.DROP_POSTINGS, (first,))
            self._index.execute(index_sql.DROP_SEGMENTS, (first,))
        self._kept_from = first

    def _write(self, first: int, last: int) -> bool:
        """Write a segment; nothing is written (False) where records were cut off or somebody erased meanwhile."""
        present = rows(self._queue, index_sql.PRESENT, (first, last))
        postings: defaultdict[str, array[int]] = defaultdict(lambda: array("H"))
        oldest, newest = float("inf"), 0.0
        for start in range(first, last + 1, _SLICE):
            records, parties = rows(self._queue, index_sql.SLICE, (start, min(start + _SLICE - 1, last)))[0]
            if records is None:
                return False
            pairs = zip(_RECORDS.decode(records), _PARTIES.decode(parties), strict=True)
            for offset, (record, personal) in enumerate(pairs, start - first):
                oldest, newest = min(oldest, record.at), max(newest, record.at)
                for term in set(terms_of(record, personal)):
                    postings[term].append(offset)
            self._pause(_REST)
        digest = value(self._queue, index_sql.HASH_AT, (last,))
        number = self._segment + 1
        with transaction(self._index):
            if rows(self._queue, index_sql.PRESENT, (first, last)) != present:
                return False
            self._index.execute(index_sql.INSERT_SEGMENT, (number, first, last, oldest, newest, digest))
            ordered = [(number, term, postings[term].tobytes()) for term in sorted(postings)]
            for start in range(0, len(ordered), _SLICE):
                index_sql.INSERT_POSTINGS.run(self._index, ordered[start : start + _SLICE])
                self._pause(0.0)
        self._segment, self._indexed = number, last
        return True

    def _last_segment(self) -> tuple[int, int]:
        """Its number and its last record; (0, 0) where there is none, or where the index is of another chain."""
        found = rows(self._index, index_sql.LAST_SEGMENT)
        if not found:
            return 0, 0
        number, last, digest = found[0]
        ((_, checkpoint, _),) = rows(self._queue, index_sql.CHAIN)
        if last <= checkpoint or value(self._queue, index_sql.HASH_AT, (last,)) == digest:
            return number, last
        _log.warning("%s does not fit the evidence beside it: built anew", self._index.filename)
        with transaction(self._index):
            self._index.execute("DELETE FROM segment")
            self._index.execute("DELETE FROM posting")
        return 0, 0


class IndexThread:
    """Runs an `IndexWriter` in a thread of its own, until `stop`."""

    def __init__(self, shard: Path, *, files: Files) -> None:
        self._shard = shard
        self._files = files
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"index-{shard.name}", daemon=True)

    def start(self) -> None:
        """Begin, unless told to stop before."""
        if not self._stop.is_set():
            self._thread.start()

    def stop(self) -> None:
        """End, and wait for it; a segment under way is begun anew next time."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except _Stopped:
                return
            except Exception as error:
                _log.error("%s: no search index for now, searches read every record: %s", self._shard, error)
                self._stop.wait(_LOOK_AFTER_ERROR)

    def _follow(self) -> None:
        """Index every segment as it fills."""
        writer = IndexWriter(self._shard, files=self._files, pause=self._rest)
        try:
            while True:
                self._rest(_REST if writer.build_next() else _LOOK)
        finally:
            writer.close()

    def _rest(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped


class _Stopped(Exception):
    """The thread is to end."""


def _open_index(path: Path, files: Files) -> apsw.Connection:
    """The index, made anew where it cannot be read."""
    try:
        return _open_existing(path, files)
    except (apsw.CorruptError, apsw.NotADBError):
        _log.warning("%s is damaged: built anew", path)
        for suffix in ("", "-wal", "-shm"):
            files.remove(path.with_name(path.name + suffix))
        return _open_existing(path, files)


def _open_existing(path: Path, files: Files) -> apsw.Connection:
    connection = create_database(path, files=files, cache_kib=_CACHE_KIB)
    connection.pragma("secure_delete", 1)
    connection.pragma("synchronous", "normal")  # what a power failure takes is built again
    migrate(connection, migrations("index"))
    return connection
