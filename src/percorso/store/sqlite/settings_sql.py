"""Every statement on the settings' versions, the address lists, the passwords and the audit log."""

from typing import Final

from percorso.store.sqlite.bulk import Bulk

# versions

INSERT_VERSION: Final = "INSERT INTO version (number, at, actor, comment, document) VALUES (?, ?, ?, ?, ?)"

FIRST_VERSION: Final = "INSERT OR IGNORE INTO version (number, at, actor, comment, document) VALUES (0, ?, '', '', ?)"

HISTORY: Final = "SELECT number, at, actor, comment FROM version ORDER BY number DESC LIMIT ?"

NEWEST_NUMBER: Final = "SELECT max(number) FROM version"

SELECT_DOCUMENT: Final = "SELECT document FROM version WHERE number = ?"

# address lists

ADD_LIST: Final = "INSERT OR IGNORE INTO address_list (name) VALUES (?)"

LISTS: Final = "SELECT name, id FROM address_list"

ENTRIES_IN_FORCE: Final = "SELECT key, text FROM list_entry WHERE list = ? AND until IS NULL"

ENTRIES_AT: Final = """
    SELECT text FROM list_entry
    WHERE list = ? AND since <= ? AND (until IS NULL OR until > ?)
    ORDER BY key
"""

END_ENTRY: Final = "UPDATE list_entry SET until = ? WHERE list = ? AND key = ? AND until IS NULL"

ADD_ENTRIES: Final = Bulk("INSERT INTO list_entry (list, key, since, text) VALUES ", "(?,?,?,?)")


def lists_with(keys: int) -> str:
    """The lists that hold one of that many keys, with the key: bindings are the keys and the version, twice."""
    places = ",".join("?" * keys)
    return f"SELECT list, key FROM list_entry WHERE key IN ({places}) AND since <= ? AND (until IS NULL OR until > ?)"  # noqa: S608 (question marks)


# passwords of accounts

HASH_OF: Final = "SELECT encoded FROM password WHERE account = ?"

SET_HASH: Final = """
    INSERT INTO password (account, encoded) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET encoded = excluded.encoded
"""

RENEW_HASH: Final = "UPDATE password SET encoded = ? WHERE account = ? AND encoded = ?"

REMOVE_HASH: Final = "DELETE FROM password WHERE account = ?"

ACCOUNTS_WITH_HASH: Final = "SELECT account FROM password"


# the audit log

AUDIT_END: Final = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"

INSERT_AUDIT: Final = "INSERT INTO audit (number, record, hash) VALUES (?, ?, ?)"

AUDIT_FROM: Final = "SELECT number, record, hash FROM audit WHERE number > ? ORDER BY number LIMIT ?"

FIND_AUDIT: Final = """
    SELECT number, record, hash FROM audit
    WHERE number < ?1
        AND (?2 = '' OR json_extract(CAST(record AS TEXT), '$.event') = ?2)
        AND (?3 = '' OR json_extract(CAST(record AS TEXT), '$.actor') = ?3)
        AND json_extract(CAST(record AS TEXT), '$.at') >= ?4
    ORDER BY number DESC LIMIT ?5
"""
