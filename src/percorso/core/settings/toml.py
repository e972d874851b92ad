"""The settings document as TOML text: read as it was written, and written in one stable form.

What a default would say anyway and says nothing (empty, 0, false) is left out; every other value
is written, so that a document keeps its meaning where a default changes.
"""

import json
import re
import tomllib
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from percorso.core.settings.schema import Document

WIDTH: Final = 100
"""Columns: a longer list is written one entry a line."""

_PLACE: Final = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)


_IN_WORDS: Final = {
    "Illegal character '\\n'": "the text in quotes does not end on its line; close the quotes",
    "Cannot overwrite a value": "the key is given twice; leave one out",
    "Invalid value": "here a value is missing or unknown; write text in quotes, and true, false and numbers without",
    "Unclosed array": "the list does not end here; divide its entries by commas and close it with ]",
    "Unclosed inline table": "the table does not end here; divide its keys by commas and close it with }",
    "Expected '=' after a key in a key/value pair": 'here "=" is missing; write key = value',
    "Invalid statement": "this is neither a table nor a key; write [table], [[table]] or key = value",
}


class BadToml(ValueError):
    """The text is not TOML; the message says what was found at `line` and `column` (from 1)."""

    def __init__(self, text: str, *, line: int, column: int) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A settings text as it was read, unchecked."""

    tables: dict[str, Any]
    base: int | None
    """The version that it was made from (`base = N`), where it says so."""


def read_toml(text: str) -> dict[str, Any]:
    """Any TOML text; raises `BadToml` at the first error."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.fullmatch(str(error))
        if found and found["line"]:
            raise BadToml(
                _IN_WORDS.get(found["what"], found["what"]), line=int(found["line"]), column=int(found["column"])
            ) from None
        what = found["what"] if found else str(error)
        raise BadToml(
            f"at the end of the file: {_IN_WORDS.get(what, what)}", line=text.count("\n") + 1, column=0
        ) from None


def parse(text: str) -> Written:
    """A settings text; raises `BadToml` at the first error of syntax."""
    tables = read_toml(text)
    base = tables.get("base")
    if isinstance(base, int) and not isinstance(base, bool):
        del tables["base"]
        return Written(tables=tables, base=base)
    return Written(tables=tables, base=None)


def render(document: Document, *, base: int | None = None) -> str:
    """The document as TOML, beginning with `base = N` where it is given. `parse` gives the same document."""
    parts = [f"base = {base}\n"] if base is not None else []
    for noun in Document.model_fields:
        value = getattr(document, noun)
        if isinstance(value, BaseModel):
            body = _pairs(value)
            parts += [f"[{noun}]\n{body}"] if body else []
        else:
            parts += [f"[[{noun}]]\n{_pairs(table)}" for table in value]
    return "\n".join(parts)


def _pairs(table: BaseModel) -> str:
    return "".join(f"{key} = {_value(value, len(key) + 3)}\n" for key, value in _said(table))


def _said(table: BaseModel) -> list[tuple[str, Any]]:
    """The keys and values that are written."""
    fields = type(table).model_fields.items()
    values = [(key, getattr(table, key), field) for key, field in fields]
    return [(key, value) for key, value, field in values if field.is_required() or value or value != field.default]


def _value(value: Any, column: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, BaseModel):
        return _inline(value)
    if isinstance(value, tuple):
        return _list(value, column)
    return str(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(table: BaseModel) -> str:
    pairs = ", ".join(f"{key} = {_value(value, 0)}" for key, value in _said(table))
    return f"{{ {pairs} }}" if pairs else "{}"


def _list(values: tuple[Any, ...], column: int) -> str:
    entries = [_value(value, 0) for value in values]
    line = f"[{', '.join(entries)}]"
    if len(line) + column <= WIDTH and (len(entries) < 2 or isinstance(values[0], str)):
        return line
    return "[\n" + "".join(f"    {entry},\n" for entry in entries) + "]"
