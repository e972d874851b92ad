-- The passwords of accounts, beside the audit log that tells of their changes.

CREATE TABLE password (
    account TEXT PRIMARY KEY,
    encoded TEXT NOT NULL           -- an Argon2id hash with its salt and parameters
) STRICT, WITHOUT ROWID;
