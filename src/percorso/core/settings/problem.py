"""What is wrong with a document, where, and what to do about it."""

import msgspec

from percorso.core.settings.schema import NAMED_BY

Path = tuple[str | int, ...]
"""A place in a document: keys, and indexes (from 0) of tables and entries."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, in words for the person who can mend it."""

    path: Path
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.message}; {self.mend}"


def path_text(path: Path) -> str:
    """The path as people read it, such as `host[0].primary`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def title(noun: str, name: object) -> str:
    """What people call a table: `host "encryptor"`, `alternate_secure_route of unit "/"`."""
    by = NAMED_BY.get(noun, "name")
    return f'{noun} of unit "{name}"' if by == "unit" else f'{noun} "{name}"'
