"""What changes between two documents: the plan that an operator reads, and the entries of the audit log.

Tables are the same when their name is (units, and routes by unit): renaming is deleting and
creating. Their order means nothing, nor does the order of a list of texts.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
from pydantic import BaseModel

from percorso.core.settings.schema import NAMED_BY, Document

Action = Literal["create", "change", "delete"]

_TABLES: Final = tuple(noun for noun in Document.model_fields if noun != "organization")
EVENTS: Final = (
    "organization:change",
    *(f"{noun}:{action}" for noun in _TABLES for action in ("create", "change", "delete")),
)
"""Every event of the audit log that a change of settings can be."""


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a table, in JSON's types. Of a list of texts, only what came (`new`) and went (`old`)."""

    field: str
    old: Any = None
    new: Any = None
    entries: bool = False
    """`old` and `new` are the removed and the added entries of a list."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One table that is created, changed or deleted."""

    noun: str
    name: str
    unit: str
    action: Action
    fields: tuple[FieldChange, ...]

    @property
    def event(self) -> str:
        """Its event in the audit log, such as `tls_compliance:change`."""
        return f"{self.noun}:{self.action}"

    @property
    def old_json(self) -> str:
        """The old values by key, as JSON; empty for what is created."""
        return _json(self.fields, "old") if self.action != "create" else ""

    @property
    def new_json(self) -> str:
        """The new values by key, as JSON; empty for what is deleted."""
        return _json(self.fields, "new") if self.action != "delete" else ""


def changes(old: Document, new: Document) -> tuple[Change, ...]:
    """All that differs, in the order of the document's tables."""
    return tuple(change for noun in Document.model_fields for change in _noun_changes(noun, old, new))


def _noun_changes(noun: str, old: Document, new: Document) -> Iterator[Change]:
    before, after = _by_key(noun, old), _by_key(noun, new)
    for key in [*before, *(key for key in after if key not in before)]:
        fields = tuple(_field_changes(before.get(key), after.get(key)))
        if key not in before:
            yield _change(noun, key, after[key], "create", fields)
        elif key not in after:
            yield _change(noun, key, before[key], "delete", fields)
        elif fields:
            yield _change(noun, key, after[key], "change", fields)


def _by_key(noun: str, document: Document) -> dict[str, BaseModel]:
    tables = getattr(document, noun)
    if isinstance(tables, BaseModel):
        return {"": tables}
    return {getattr(table, NAMED_BY.get(noun, "name")): table for table in tables}


def _change(noun: str, key: str, table: BaseModel, action: Action, fields: tuple[FieldChange, ...]) -> Change:
    unit = getattr(table, "unit", getattr(table, "path", "/"))
    return Change(noun=noun, name=key, unit=unit, action=action, fields=fields)


def _field_changes(old: BaseModel | None, new: BaseModel | None) -> Iterator[FieldChange]:
    """Of a table that comes or goes, the keys that are not at their default."""
    table = new or old
    for field, info in type(table).model_fields.items() if table else ():
        nothing = None if info.is_required() else info.default
        before = getattr(old, field) if old else nothing
        after = getattr(new, field) if new else nothing
        if before == after:
            continue
        if _is_texts(before) and _is_texts(after):
            yield from _entries(field, before or (), after or ())
        else:
            yield FieldChange(field=field, old=_plain(before), new=_plain(after))


def _is_texts(value: object) -> bool:
    return value is None or (isinstance(value, tuple) and all(isinstance(one, str) for one in value))


def _entries(field: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[FieldChange]:
    before, after = set(old), set(new)
    removed = [entry for entry in dict.fromkeys(old) if entry not in after]
    added = [entry for entry in dict.fromkeys(new) if entry not in before]
    if removed or added:
        yield FieldChange(field=field, old=removed, new=added, entries=True)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _json(fields: tuple[FieldChange, ...], side: Literal["old", "new"]) -> str:
    word = "removed" if side == "old" else "added"
    values = {one.field: {word: getattr(one, side)} if one.entries else getattr(one, side) for one in fields}
    return json.dumps(values, ensure_ascii=False, default=str)
