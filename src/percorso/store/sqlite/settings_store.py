"""Every version of the settings, and the audit entries that each brought, in `settings.db`."""

from collections.abc import Iterable
from pathlib import Path

from percorso.core.settings.schema import Document
from percorso.ports.audit import AuditEntry
from percorso.ports.settings import SettingsVersion


class SqliteSettingsStore:
    """`SettingsStore` in a data directory; makes the directory and the empty version 0 where there are none."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def newest(self) -> SettingsVersion:
        """The version in force; version 0 is the empty document of a new node."""
        raise NotImplementedError

    def document(self, version: int) -> Document:
        """The whole document with its list entries; LookupError for an unknown version."""
        raise NotImplementedError

    def history(self, *, limit: int = 100) -> list[SettingsVersion]:
        """The newest first."""
        raise NotImplementedError

    def commit(
        self, document: Document, *, base: int, audit: Iterable[AuditEntry], at: float, comment: str = ""
    ) -> int:
        """Store the next version and its audit entries in one transaction; returns its number.

        The version's actor is that of its first audit entry; the entries' `version` is filled in here.
        Raises `SettingsConflict` where `base` is not the newest version.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""
        raise NotImplementedError
