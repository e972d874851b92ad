"""The `SettingsSource` port over a document that a test holds."""

from collections.abc import Sequence

from percorso.core.mail.address import parse_entry
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.facts import ListMatch
from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import Document
from percorso.core.settings.toml import read_toml
from percorso.core.settings.validation import check_tables


def document(text: str) -> Document:
    """A settings document from TOML; it has to be a valid one."""
    checked = check_tables(read_toml(text))
    assert checked.document, checked.problems
    return checked.document


class MemorySettings:
    """The newest version of a document; `apply` makes the next."""

    def __init__(self, document: Document) -> None:
        self._version = 0
        self.apply(document)

    def apply(self, document: Document) -> None:
        self._version += 1
        self._current = compile_settings(document, self._version)
        self._lists = {
            table.name: frozenset(parse_entry(entry) for entry in table.entries) for table in document.address_list
        }

    @property
    def current(self) -> Settings:
        return self._current

    def matching_lists(self, keys: Sequence[str]) -> tuple[ListMatch, ...]:
        found = ((name, next((key for key in keys if key in entries), "")) for name, entries in self._lists.items())
        return tuple(ListMatch(name=name, entry=entry) for name, entry in found if entry)
