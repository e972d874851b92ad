-- What accounts have used of their rates, for all workers of a node together. None of it outlives its use.

CREATE TABLE account_rate (
    account TEXT PRIMARY KEY,
    until REAL NOT NULL             -- when all that was taken will have been earned back, unix seconds
) STRICT, WITHOUT ROWID;
