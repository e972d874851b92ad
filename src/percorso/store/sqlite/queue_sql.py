"""Every statement on the tables of a shard's queue."""

from typing import Final

from percorso.store.sqlite.bulk import Bulk

# `recipient.state`; the statements below write the numbers out, so that the partial index is used
QUEUED: Final = 0
CLAIMED: Final = 1
HELD: Final = 2

# accept

INSERT_MESSAGES: Final = Bulk("INSERT INTO message (id, accepted_at, size, meta, content) VALUES ", "(?,?,?,?,?)")

INSERT_RECIPIENTS: Final = Bulk(
    "INSERT INTO recipient (message, number, state, next_attempt, local, domain, sender, parameters, kept) VALUES ",
    "(?,?,?,?,?,?,?,?,?)",
)

RAISE_HIGH_ID: Final = "UPDATE shard SET high_id = ?"

# settle: delivered and failed recipients go, the others wait; a message goes with its last recipient

DELETE_RECIPIENTS: Final = Bulk("DELETE FROM recipient WHERE state = 1 AND (message, number) IN (VALUES ", "(?,?)", ")")

DELETE_MESSAGES: Final = Bulk(
    "DELETE FROM message WHERE id IN (",
    "?",
    ") AND NOT EXISTS (SELECT 1 FROM recipient WHERE recipient.message = message.id)",
)

KEEP_RECIPIENT: Final = """
    UPDATE recipient
    SET state = ?, next_attempt = ?, insecure_since = ?, warned = ?, lost_host = ?, last_reply = ?, last_failure = ?,
        attempts = attempts + 1
    WHERE message = ? AND number = ? AND state = 1
"""

INSERT_EVIDENCE: Final = Bulk("INSERT INTO evidence (number, record, parties, hash) VALUES ", "(?,?,?,?)")

EXISTING_MESSAGES: Final = Bulk("SELECT id FROM message WHERE id IN (", "?", ")")

# release

RELEASE_RECIPIENT: Final = """
    UPDATE recipient SET state = 0, next_attempt = ? WHERE message = ? AND number = ? AND state = 1
"""

# claim what is due: the index gives the messages, the longest due first; then all that is due of each

DUE_MESSAGES: Final = """
    SELECT message FROM recipient WHERE state = 0 AND next_attempt <= ? ORDER BY next_attempt LIMIT ?
"""

CLAIM_RECIPIENTS: Final = """
    UPDATE recipient SET state = 1 WHERE message = ? AND state = 0 AND next_attempt <= ?
    RETURNING number, local, domain, parameters, kept, attempts, insecure_since, warned
"""

HOLD_UNREADABLE: Final = "UPDATE recipient SET state = 2, last_reply = ? WHERE message = ? AND number = ?"

SELECT_MESSAGE: Final = "SELECT accepted_at, size, meta, content FROM message WHERE id = ?"

NEXT_DUE: Final = "SELECT min(next_attempt) FROM recipient WHERE state = 0"

ANY_RECIPIENT: Final = "SELECT EXISTS (SELECT 1 FROM recipient)"

# after a change of settings; the condition is that of the partial index

TO_DECIDE_AGAIN: Final = """
    SELECT message, number FROM recipient
    WHERE state = 0 AND (kept IS NOT NULL OR last_failure <> '' OR lost_host <> '') AND (message, number) > (?, ?)
    ORDER BY message, number LIMIT ?
"""

MAKE_DUE: Final = """
    UPDATE recipient SET next_attempt = min(next_attempt, ?) WHERE message = ? AND number = ? AND state = 0
"""

# opening and recovery

ANY_SHARD: Final = "SELECT EXISTS (SELECT 1 FROM shard)"

INSERT_SHARD: Final = "INSERT OR IGNORE INTO shard (only_row, chain, checkpoint_hash) VALUES (1, ?, ?)"

SELECT_HIGH_ID: Final = "SELECT high_id FROM shard"

# The number and hash at the end of the evidence chain: the last record, or else the checkpoint.
CHAIN_END: Final = """
    SELECT number, hash FROM evidence
    UNION ALL SELECT checkpoint_number, checkpoint_hash FROM shard
    ORDER BY number DESC LIMIT 1
"""

CLAIMED_RECIPIENTS: Final = """
    SELECT recipient.message, number, local, domain, attempts, accepted_at, size, meta, kept
    FROM recipient JOIN message ON message.id = recipient.message
    WHERE state = 1 AND (recipient.message, number) > (?, ?)
    ORDER BY recipient.message, number LIMIT ?
"""

REQUEUE_RECIPIENT: Final = """
    UPDATE recipient SET state = 0, next_attempt = ?, attempts = attempts + 1, last_reply = ?, last_failure = ''
    WHERE message = ? AND number = ?
"""
