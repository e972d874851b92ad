"""Every statement on the search index of the evidence."""

from typing import Final

from percorso.store.sqlite.bulk import Bulk

# in index.db

LAST_SEGMENT: Final = "SELECT number, last, hash FROM segment ORDER BY number DESC LIMIT 1"

SEGMENTS: Final = "SELECT number, first, last, oldest, newest FROM segment ORDER BY number DESC"

INSERT_SEGMENT: Final = "INSERT INTO segment (number, first, last, oldest, newest, hash) VALUES (?, ?, ?, ?, ?, ?)"

INSERT_POSTINGS: Final = Bulk("INSERT INTO posting (segment, term, offsets) VALUES ", "(?,?,?)")

OFFSETS: Final = "SELECT offsets FROM posting WHERE segment = ? AND term = ?"

# Segments of which every record was cut off go, and so do the terms of who was erased.

DROP_POSTINGS: Final = "DELETE FROM posting WHERE segment IN (SELECT number FROM segment WHERE last < ?)"

DROP_SEGMENTS: Final = "DELETE FROM segment WHERE last < ?"

TERMS_LIKE: Final = "SELECT DISTINCT term FROM posting WHERE term LIKE ?"

FORGET_TERM: Final = "DELETE FROM posting WHERE term = ?"

# in queue.db. A slice of records comes as two JSON arrays, because every row costs a turn of the interpreter's lock.

SLICE: Final = """
    SELECT '[' || group_concat(CAST(record AS TEXT), ',' ORDER BY number) || ']',
        '[' || group_concat(coalesce(CAST(parties AS TEXT), 'null'), ',' ORDER BY number) || ']'
    FROM evidence WHERE number BETWEEN ? AND ?
"""

HASH_AT: Final = "SELECT hash FROM evidence WHERE number = ?"

FIRST_AND_LAST: Final = "SELECT (SELECT min(number) FROM evidence), (SELECT max(number) FROM evidence)"

# records

RECORDS_BEFORE: Final = """
    SELECT number, record, parties, hash FROM evidence WHERE number < ? AND number > ? ORDER BY number DESC LIMIT ?
"""

RECORDS: Final = Bulk("SELECT number, record, parties, hash FROM evidence WHERE number IN (", "?", ")")

RECORDS_AFTER: Final = """
    SELECT number, record, parties, hash FROM evidence WHERE number > ? ORDER BY number LIMIT ?
"""

# retention and erasure

SET_CHECKPOINT: Final = "UPDATE shard SET checkpoint_number = ?, checkpoint_hash = ?"

CUT: Final = "DELETE FROM evidence WHERE number <= ?"

ERASE: Final = "UPDATE evidence SET parties = NULL WHERE number = ?"

PRESENT: Final = "SELECT count(*), count(parties) FROM evidence WHERE number BETWEEN ? AND ?"

CHAIN: Final = "SELECT chain, checkpoint_number, checkpoint_hash FROM shard"
