-- The settings' versions, their address lists, and the audit log, in one file so that one transaction changes all.

CREATE TABLE version (
    number INTEGER PRIMARY KEY,     -- 0 is the empty document of a new node
    at REAL NOT NULL,               -- unix seconds
    actor TEXT NOT NULL,
    comment TEXT NOT NULL,
    document TEXT NOT NULL          -- JSON, without the entries of address lists
) STRICT;

CREATE TABLE address_list (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- An entry is kept once for each stretch of versions that hold it: a change of one entry is one row, whatever the
-- size of its list, and a look-up passes no row of an older version.
CREATE TABLE list_entry (
    list INTEGER NOT NULL REFERENCES address_list (id),
    key TEXT NOT NULL,              -- as addresses and domains compare
    since INTEGER NOT NULL,         -- the first version that has it
    until INTEGER,                  -- the first version that has it no more; NULL: in force
    text TEXT NOT NULL,             -- as it was written
    PRIMARY KEY (list, key, since)
) STRICT, WITHOUT ROWID;

CREATE INDEX list_entry_by_key ON list_entry (key, until);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,     -- from 1, without gaps
    record BLOB NOT NULL,           -- JSON, the bytes that are hashed
    hash BLOB NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
