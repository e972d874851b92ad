-- What a sender was told of a delay, and what alerts look at: all of it in indexes that hold only what is wrong.

ALTER TABLE recipient ADD COLUMN warned INTEGER NOT NULL DEFAULT 0;   -- 1: the sender was told that it waits
ALTER TABLE recipient ADD COLUMN lost_host TEXT NOT NULL DEFAULT '';  -- the host none of whose servers answered

CREATE INDEX held ON recipient (sender, domain) WHERE state = 2;
CREATE INDEX failing ON recipient (domain, last_failure) WHERE last_failure <> '';
CREATE INDEX lost ON recipient (lost_host) WHERE lost_host <> '';
