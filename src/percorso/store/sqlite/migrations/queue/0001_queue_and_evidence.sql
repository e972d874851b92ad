-- The queue and the evidence of one shard, in one file so that one transaction changes both.

CREATE TABLE shard (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    chain TEXT NOT NULL,                    -- the name of the evidence chain, such as "mail1/0"
    high_id INTEGER NOT NULL DEFAULT 0,     -- ids up to this one may have been given out
    -- Retention cuts records from the front; the chain is followed from here.
    checkpoint_number INTEGER NOT NULL DEFAULT 0,
    checkpoint_hash BLOB NOT NULL
) STRICT;

CREATE TABLE message (
    id INTEGER PRIMARY KEY,                 -- the queue id as a number; grows with time
    accepted_at REAL NOT NULL,              -- unix seconds
    size INTEGER NOT NULL,                  -- octets in wire form
    meta BLOB NOT NULL,                     -- msgpack: envelope, arrival, what it reports
    content BLOB                            -- NULL: in the spool, in the file named by the id
) STRICT;

-- The unit of work. Only what is queued is in an index, so that a message that is claimed as it is accepted
-- touches none.
CREATE TABLE recipient (
    message INTEGER NOT NULL REFERENCES message (id),
    number INTEGER NOT NULL,                -- its place in the message, from 0
    state INTEGER NOT NULL,                 -- 0 queued, 1 claimed, 2 held
    next_attempt REAL NOT NULL,             -- unix seconds
    local TEXT NOT NULL,
    domain TEXT NOT NULL,
    sender TEXT NOT NULL,                   -- as it compares; '' is the null sender
    parameters BLOB,                        -- msgpack; NULL: none were given
    kept BLOB,                              -- msgpack, the requirement that it was accepted under; NULL: opportunistic
    attempts INTEGER NOT NULL DEFAULT 0,
    insecure_since REAL NOT NULL DEFAULT 0, -- unix seconds of the first typed failure; 0: none yet
    last_reply TEXT NOT NULL DEFAULT '',
    last_failure TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX due ON recipient (next_attempt) WHERE state = 0;

-- Append-only. What search needs is built behind, in a file of its own.
CREATE TABLE evidence (
    number INTEGER PRIMARY KEY,             -- from 1, without gaps
    record BLOB NOT NULL,                   -- JSON, the bytes that are hashed
    parties BLOB,                           -- JSON, salted; NULL: erased
    hash BLOB NOT NULL
) STRICT;

CREATE TRIGGER evidence_is_not_changed BEFORE UPDATE OF number, record, hash ON evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only');
END;

CREATE TRIGGER evidence_parties_are_only_erased BEFORE UPDATE OF parties ON evidence WHEN new.parties IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the parties of evidence can be erased, not changed');
END;

CREATE TRIGGER evidence_goes_only_from_the_front BEFORE DELETE ON evidence
WHEN old.number > (SELECT checkpoint_number FROM shard)
BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only');
END;
