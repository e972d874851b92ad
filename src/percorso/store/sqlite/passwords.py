"""The hashes of the accounts' passwords, in `settings.db` beside the audit log."""

from pathlib import Path

import apsw

from percorso.ports.audit import AuditEntry
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files
from percorso.store.sqlite import settings_sql
from percorso.store.sqlite.audit_log import append_audit
from percorso.store.sqlite.connection import rows, transaction, value
from percorso.store.sqlite.settings_database import open_settings


class SqlitePasswords:
    """`PasswordStore` of a data directory, from any process; open it after any fork."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._path = layout.settings_database(data_dir)
        self._connection = open_settings(data_dir, files=files)

    def get(self, account: str) -> str:
        """The account's hash; "" where it has no password. Raises `StoreError`."""
        try:
            return value(self._connection, settings_sql.HASH_OF, (account,)) or ""
        except apsw.Error as error:
            raise store_error(error, self._path) from None

    def set(self, account: str, encoded: str, *, audit: AuditEntry) -> None:
        """Keep a new one, and the audit entry in the same transaction."""
        with transaction(self._connection):
            self._connection.execute(settings_sql.SET_HASH, (account, encoded))
            append_audit(self._connection, audit)

    def renew(self, account: str, old: str, new: str) -> None:
        """Replace a hash by another of the same password, unless a new password came between."""
        try:
            with transaction(self._connection):
                self._connection.execute(settings_sql.RENEW_HASH, (new, account, old))
        except apsw.Error as error:
            raise store_error(error, self._path) from None

    def remove(self, account: str, *, audit: AuditEntry) -> None:
        """Forget it; LookupError where there is none."""
        with transaction(self._connection):
            self._connection.execute(settings_sql.REMOVE_HASH, (account,))
            if not self._connection.changes():
                raise LookupError(f"the account {account!r} has no password")
            append_audit(self._connection, audit)

    def accounts(self) -> frozenset[str]:
        """The accounts that have a password."""
        return frozenset(account for (account,) in rows(self._connection, settings_sql.ACCOUNTS_WITH_HASH))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
