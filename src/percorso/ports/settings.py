"""Settings as the message path sees them, and as operators change them."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from percorso.core.policy.facts import ListMatch
from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import Document
from percorso.ports.audit import AuditEntry


class SettingsSource(Protocol):
    """The settings in force, taken up by a running worker at most 0.5 s after a change."""

    @property
    def current(self) -> Settings:
        """The compiled settings of the newest version."""
        ...

    def matching_lists(self, keys: Sequence[str]) -> tuple[ListMatch, ...]:
        """The current settings' lists that hold one of the keys (`match_keys`), the first key that does."""
        ...


class SettingsVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the history."""

    version: int
    at: float  # unix seconds
    actor: str
    comment: str = ""


class SettingsConflict(Exception):
    """Another change came between: the base is not the newest version."""

    def __init__(self, base: int, newest: int) -> None:
        super().__init__(
            f"these settings are based on version {base}, but version {newest} is in force; "
            "export again, or compare with `percorso settings plan`"
        )
        self.base = base
        self.newest = newest


class SettingsStore(Protocol):
    """Every version of the settings. A version's lists are kept by content, not copied."""

    def newest(self) -> SettingsVersion:
        """The version in force; version 0 is the empty document of a new node."""
        ...

    def document(self, version: int) -> Document:
        """The whole document with its list entries, in the order in which they compare.

        LookupError for an unknown version.
        """
        ...

    def history(self, *, limit: int = 100) -> list[SettingsVersion]:
        """The newest first."""
        ...

    def commit(
        self, document: Document, *, base: int, audit: Iterable[AuditEntry], at: float, comment: str = ""
    ) -> int:
        """Store the next version and its audit entries in one transaction; returns its number.

        Raises `SettingsConflict` where `base` is not the newest version.
        """
        ...
