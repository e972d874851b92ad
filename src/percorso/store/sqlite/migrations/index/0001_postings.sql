-- The search index of a shard's evidence. It can be rebuilt from queue.db at any time, and holds nothing else.

-- A segment covers records first..last. It is written once, when they are all there, so rows are only ever added at
-- the end; what is not in a segment yet is searched record by record.
CREATE TABLE segment (
    number INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    oldest REAL NOT NULL,           -- unix seconds: the times of its records, which are only roughly in order
    newest REAL NOT NULL,
    hash BLOB NOT NULL              -- of the last record: the index belongs to this chain
) STRICT;

CREATE TABLE posting (
    segment INTEGER NOT NULL,
    term TEXT NOT NULL,             -- such as "recipient bob@bank.test"
    offsets BLOB NOT NULL,          -- 16 bits each, ascending: the records that have it, counted from `first`
    PRIMARY KEY (segment, term)
) STRICT, WITHOUT ROWID;
