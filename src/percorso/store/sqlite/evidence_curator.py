"""What may be done to evidence that is there: old records go from the front, and one person's data go for good.

In short transactions, so that the worker that appends hardly waits; from any process. What goes is overwritten, but
for a copy that SQLite may have left in the gap of a page that it split or merged.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import apsw
import msgspec

from percorso.core.evidence.record import Parties
from percorso.core.mail.address import Address
from percorso.ports.evidence import ChainHead
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files
from percorso.store.sqlite import index_sql
from percorso.store.sqlite.connection import Row, open_database, rows, transaction
from percorso.store.sqlite.evidence_terms import Findable, names_person, of_person, person_key
from percorso.store.sqlite.migrate import check_schema, is_empty, migrations
from percorso.store.sqlite.shard_reader import each_shard

_AT_ONCE: Final = 500
"""Records of one transaction."""
_REST: Final = 0.01
"""Seconds between two of them, for those who wait."""

_FINDABLE: Final = msgspec.json.Decoder(Findable)
_PARTIES: Final = msgspec.json.Decoder(Parties)


class SqliteEvidenceCurator:
    """`EvidenceCurator` over the shards of a data directory."""

    def __init__(self, data_dir: Path, *, files: Files = FILES, rest: Callable[[float], object] = time.sleep) -> None:
        self._data_dir = data_dir
        self._files = files
        self._rest = rest

    def cut(self, before: float) -> list[ChainHead]:
        """Remove the records from the front of each chain up to the first that is not older than `before`."""
        with each_shard(self._data_dir, read_only=False, files=self._files) as shards:
            return [head for _, connection in shards if (head := self._cut_one(connection, before))]

    def erase(self, person: Address) -> int:
        """Remove the parties of every record that a person sent or was sent."""
        erased, key = 0, person_key(str(person))
        with each_shard(self._data_dir, read_only=False, files=self._files) as shards:
            for shard, connection in shards:
                connection.pragma("secure_delete", 1)
                erased += sum(self._erase_some(connection, numbers) for numbers in self._of(connection, key))
                self._forget(shard, key)
        return erased

    def _cut_one(self, connection: apsw.Connection, before: float) -> ChainHead | None:
        """The checkpoint that the chain begins with now; None where nothing was cut."""
        connection.pragma("secure_delete", 1)
        done: Row | None = None
        while (last := _last_before(connection, before)) is not None:
            with transaction(connection):
                connection.execute(index_sql.SET_CHECKPOINT, last)
                connection.execute(index_sql.CUT, last[:1])
            done = last
            self._rest(_REST)
        if done is None:
            return None
        number, digest = done
        return ChainHead(chain=rows(connection, index_sql.CHAIN)[0][0], count=number, hash=digest.hex())

    def _of(self, connection: apsw.Connection, person: str) -> Iterator[list[Row]]:
        """The numbers of a person's records, some at a time."""
        after = 0
        while found := rows(connection, index_sql.RECORDS_AFTER, (after, _AT_ONCE)):
            after = found[-1][0]
            numbers = [(row[0],) for row in found if row[2] and of_person(_PARTIES.decode(row[2]), person)]
            if numbers:
                yield numbers
            self._rest(0.0)

    def _erase_some(self, connection: apsw.Connection, numbers: list[Row]) -> int:
        with transaction(connection):
            connection.executemany(index_sql.ERASE, numbers)
        self._rest(_REST)
        return len(numbers)

    def _forget(self, shard: Path, person: str) -> None:
        """Remove the person from the index; one being built meanwhile looks for itself (`index_writer`)."""
        path = layout.index_database(shard)
        if not path.exists():
            return
        try:
            connection = open_database(path, read_only=False, files=self._files)
        except apsw.Error as error:
            raise store_error(error, path) from error
        try:
            if is_empty(connection):
                return
            check_schema(connection, migrations("index"))
            connection.pragma("secure_delete", 1)
            like = f"%@{person.rpartition('@')[2]}"
            terms = [row for row in rows(connection, index_sql.TERMS_LIKE, (like,)) if names_person(row[0], person)]
            with transaction(connection):
                connection.executemany(index_sql.FORGET_TERM, terms)
        except (apsw.Error, StoreError) as error:
            raise store_error(error, path) from error
        finally:
            connection.close()


def _last_before(connection: apsw.Connection, before: float) -> Row | None:
    """Number and hash of the last of the first records that are all older; None where the first is not."""
    last: Row | None = None
    for number, record, _, digest in rows(connection, index_sql.RECORDS_AFTER, (0, _AT_ONCE)):
        if _FINDABLE.decode(record).at >= before:
            break
        last = (number, digest)
    return last
