"""Every version of the settings, and the audit entries that each brought, in `settings.db`."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from percorso.core.mail.address import parse_entry
from percorso.core.settings.schema import AddressList, Document
from percorso.ports.audit import AuditEntry
from percorso.ports.settings import SettingsConflict, SettingsVersion
from percorso.store.files import FILES, Files
from percorso.store.sqlite import settings_sql
from percorso.store.sqlite.audit_log import append_audit
from percorso.store.sqlite.connection import rows
from percorso.store.sqlite.settings_database import (
    change,
    encode_document,
    list_ids,
    newest_version,
    open_settings,
    read_outline,
)


class SqliteSettingsStore:
    """`SettingsStore` in a data directory; makes the directory and the empty version 0 where there are none."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._connection = open_settings(data_dir, files=files)

    def newest(self) -> SettingsVersion:
        """The version in force; version 0 is the empty document of a new node."""
        return self.history(limit=1)[0]

    def document(self, version: int) -> Document:
        """The whole document with its list entries, in the order in which they compare.

        LookupError for an unknown version.
        """
        outline = read_outline(self._connection, version)
        ids = list_ids(self._connection)
        full = [self._with_entries(one, ids.get(one.name, 0), version) for one in outline.address_list]
        return outline.model_copy(update={"address_list": tuple(full)})

    def history(self, *, limit: int = 100) -> list[SettingsVersion]:
        """The newest first."""
        found = rows(self._connection, settings_sql.HISTORY, (limit,))
        return [
            SettingsVersion(version=number, at=at, actor=actor, comment=comment) for number, at, actor, comment in found
        ]

    def commit(
        self, document: Document, *, base: int, audit: Iterable[AuditEntry], at: float, comment: str = ""
    ) -> int:
        """Store the next version and its audit entries in one transaction; returns its number.

        The version's actor is that of its first audit entry; the entries' `version` is filled in here.
        The document has passed validation. Raises `SettingsConflict` where `base` is not the newest version, and
        `StoreError` where the disk does not take it.
        """
        entries = tuple(audit)
        actor = entries[0].actor if entries else ""
        with change(self._connection):
            newest = newest_version(self._connection)
            if base != newest:
                raise SettingsConflict(base, newest)
            version = newest + 1
            row = (version, at, actor, comment, encode_document(document))
            self._connection.execute(settings_sql.INSERT_VERSION, row)
            self._store_lists(document, version)
            for entry in entries:
                append_audit(self._connection, msgspec.structs.replace(entry, version=version))
        return version

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _with_entries(self, outline: AddressList, list_id: int, version: int) -> AddressList:
        found = rows(self._connection, settings_sql.ENTRIES_AT, (list_id, version, version))
        return outline.model_copy(update={"entries": tuple(text for (text,) in found)})

    def _store_lists(self, document: Document, version: int) -> None:
        """Bring the rows of every list from what is in force to what the document says."""
        before = {one.name for one in read_outline(self._connection, version - 1).address_list}
        wanted = {one.name: one.entries for one in document.address_list}
        self._connection.executemany(settings_sql.ADD_LIST, [(name,) for name in wanted])
        ids = list_ids(self._connection)
        for name in sorted(before | wanted.keys()):
            self._store_list(ids[name], {parse_entry(text): text for text in wanted.get(name, ())}, version)

    def _store_list(self, list_id: int, wanted: dict[str, str], version: int) -> None:
        present: dict[str, str] = dict(rows(self._connection, settings_sql.ENTRIES_IN_FORCE, (list_id,)))
        ended = [(version, list_id, key) for key, text in present.items() if wanted.get(key) != text]
        added = [(list_id, key, version, text) for key, text in wanted.items() if present.get(key) != text]
        self._connection.executemany(settings_sql.END_ENTRY, ended)
        settings_sql.ADD_ENTRIES.run(self._connection, sorted(added))
