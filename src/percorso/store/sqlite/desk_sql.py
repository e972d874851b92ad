"""Every statement on the queue that operators need."""

from typing import Final

# A filter: what is NULL matches everything. `after`, `after_number` and `last` bound the range of the primary key.
_MATCHES: Final = """
    WHERE (recipient.message, number) > (:after, :after_number) AND recipient.message <= :last
        AND (:state IS NULL OR state = :state)
        AND (:failure IS NULL OR last_failure = :failure)
        AND (:domain IS NULL OR domain = :domain)
        AND (:local IS NULL OR casefold(local) = :local)
        AND (:sender IS NULL OR sender = :sender)
        AND (:sender_domain IS NULL OR substr(sender, -length(:sender_domain)) = :sender_domain)
"""

ENTRIES: Final = (
    """
    SELECT recipient.message, number, meta, local, domain, state, size, accepted_at, attempts, next_attempt, kept,
        last_reply, last_failure
    FROM recipient JOIN message ON message.id = recipient.message
    """  # noqa: S608 (constants only)
    + _MATCHES
    + "ORDER BY recipient.message, number LIMIT :limit"
)

COUNT: Final = "SELECT count(*) FROM recipient" + _MATCHES  # noqa: S608 (constants only)

PLACES: Final = (
    "SELECT message, number FROM recipient"  # noqa: S608 (constants only)
    + _MATCHES
    + "ORDER BY recipient.message, number LIMIT :limit"
)

MAKE_DUE: Final = """
    UPDATE recipient SET next_attempt = min(next_attempt, ?) WHERE message = ? AND number = ? AND state = 0
"""

HOLD: Final = "UPDATE recipient SET state = 2 WHERE message = ? AND number = ? AND state = 0"

RELEASE: Final = "UPDATE recipient SET state = 0, next_attempt = ? WHERE message = ? AND number = ? AND state = 2"

DELETE: Final = "DELETE FROM recipient WHERE message = ? AND number = ? AND state <> 1"

# With its last recipient a message goes; whether its content is in the spool tells which file goes too.
DELETE_MESSAGE: Final = """
    DELETE FROM message WHERE id = ? AND NOT EXISTS (SELECT 1 FROM recipient WHERE recipient.message = message.id)
    RETURNING content IS NULL
"""

# What keeps a requirement, message by message.

REQUIRED: Final = """
    SELECT recipient.message, accepted_at, size, meta, content,
        number, local, domain, parameters, kept, attempts, insecure_since, warned
    FROM recipient JOIN message ON message.id = recipient.message
    WHERE (recipient.message, number) > (?, ?) AND kept IS NOT NULL AND state <> 1
    ORDER BY recipient.message, number LIMIT ?
"""

RELAX: Final = """
    UPDATE recipient
    SET kept = ?, next_attempt = CASE state WHEN 0 THEN min(next_attempt, ?) ELSE next_attempt END
    WHERE message = ? AND number = ? AND state <> 1 AND kept = ?
"""
