"""Every key of a TOML text is found on its line."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given

from percorso.core.settings.locate import Lines
from percorso.core.settings.problem import Path
from percorso.core.settings.schema import Document
from percorso.core.settings.toml import render
from tests.core.settings.documents import documents

TEXT = '''\
# a comment with [brackets] and = signs
base = 1
organization.name = "Corp"   # dotted

[[host]]
name = "one"
primary = [
  { address = "gw1.example", port = 25 },   # ] } "
  # between
  { address = "gw2.example",
    port = 26 },
]
"quoted.key" = 'literal # no comment'
[[host.secondary]]
address = """
many
"lines" = 1
"""
load = 100
[[host]]
name = "two"
primary = []
[[host.secondary]]
load = 90
[other.table]
day = 2026-12-31
entries = ["a",
"b", "c",
  "d"]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("base",), 2),
        (("organization", "name"), 3),
        (("host",), 5),
        (("host", 0), 5),
        (("host", 0, "primary"), 7),
        (("host", 0, "primary", 0, "port"), 8),
        (("host", 0, "primary", 1), 10),
        (("host", 0, "primary", 1, "port"), 11),
        (("host", 0, "quoted.key"), 13),
        (("host", 0, "secondary", 0), 14),
        (("host", 0, "secondary", 0, "load"), 19),
        (("host", 1), 20),
        (("host", 1, "name"), 21),
        (("host", 1, "secondary", 0, "load"), 24),
        (("other", "table"), 25),
        (("other", "table", "day"), 26),
        (("other", "table", "entries", 2), 28),
        (("other", "table", "entries", 3), 29),
    ],
)
def test_it_is_on_its_line(path: Path, line: int) -> None:
    assert Lines(TEXT).of(path) == line


def test_what_is_not_written_is_where_its_table_is() -> None:
    lines = Lines(TEXT)
    assert lines.of(("host", 1, "require_tls")) == 20
    assert lines.of(("host", 0, "primary", 0, "load")) == 8
    assert lines.of(("alternate_secure_route", 0)) == 1


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every value with its path, and its key as it is written."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for place, one in enumerate(value):
            yield from leaves(one, (*path, place))
    else:
        yield path, str(path[-1])


@given(documents)
def test_every_key_is_on_the_line_where_it_is_written(document: Document) -> None:
    text = render(document)
    lines, written = Lines(text), text.split("\n")
    for path, key in leaves(tomllib.loads(text)):
        assert f"{key} = " in written[lines.of(path) - 1]
