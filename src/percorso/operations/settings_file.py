"""A settings file as an operator hands it in: read, completed with its entry files, and checked."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from percorso.core.settings.locate import Lines, LocatedProblem
from percorso.core.settings.problem import Problem
from percorso.core.settings.schema import MAX_ENTRIES, Document
from percorso.core.settings.toml import BadToml, parse
from percorso.core.settings.validation import check_tables

_HEADERS = {"address", "entry"}


class BadSettings(Exception):
    """The document cannot be applied; `problems` has all that is wrong with it."""

    def __init__(self, file: str, problems: list[LocatedProblem]) -> None:
        super().__init__("\n".join(problem.at(file) for problem in problems))
        self.file = file
        self.problems = problems


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A document that could be applied."""

    document: Document
    base: int | None
    """The version that it was made from, where it says so."""


class _EntryFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    entries: tuple[str, ...]
    lines: tuple[int, ...]


def read_settings(file: Path) -> Draft:
    """Read and check a settings file; raises `BadSettings`."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(file, f"cannot be read ({error.strerror}); give the path of a settings file") from None
    except UnicodeDecodeError:
        raise _unreadable(file, "is not UTF-8 text; a settings file is TOML") from None
    return check_settings(text, file)


def check_settings(text: str, file: Path) -> Draft:
    """Check a settings text; files that it names are sought beside `file`. Raises `BadSettings`."""
    try:
        written = parse(text)
    except BadToml as error:
        raise BadSettings(str(file), [LocatedProblem.of_syntax(error)]) from None
    missing: list[Problem] = []
    entry_files = dict(_read_entry_files(written.tables, file.parent, missing))
    checked = check_tables(_complete(written.tables, entry_files))
    problems = [*checked.problems, *missing]
    problems += _unreadable_ca_files(checked.document) if checked.document else []
    if problems or not checked.document:
        lines = Lines(text)
        located = [_locate(problem, lines, entry_files) for problem in problems]
        raise BadSettings(str(file), sorted(located, key=lambda problem: problem.line))
    return Draft(document=checked.document, base=written.base)


def _unreadable(file: Path, text: str) -> BadSettings:
    return BadSettings(str(file), [LocatedProblem(line=0, path="", text=text)])


def _read_entry_files(
    tables: Mapping[str, Any], folder: Path, missing: list[Problem]
) -> Iterator[tuple[int, _EntryFile]]:
    """The entry files of address lists, by the place of the list; what cannot be read goes to `missing`."""
    lists = tables.get("address_list")
    for place, table in enumerate(lists if isinstance(lists, list) else []):
        name = table.get("entries_file") if isinstance(table, dict) else None
        if not isinstance(name, str) or not name or table.get("entries"):
            continue
        try:
            yield place, _read_entry_file(folder / name, name)
        except (OSError, ValueError, csv.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            message = f'address_list "{table.get("name", "")}": entries_file "{name}" cannot be read ({why})'
            mend = "give a CSV file in UTF-8, its path relative to this file"
            missing.append(Problem(path=("address_list", place, "entries_file"), message=message, mend=mend))


def _read_entry_file(file: Path, name: str) -> _EntryFile:
    """The first column; empty lines and a header line are skipped."""
    entries: list[str] = []
    lines: list[int] = []
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        for row in reader:
            entry = row[0].strip() if row else ""
            if not entry or (not entries and entry.lower() in _HEADERS):
                continue
            entries.append(entry)
            lines.append(reader.line_num)
            if len(entries) > MAX_ENTRIES:
                raise ValueError(f"it has more than {MAX_ENTRIES} entries")
    return _EntryFile(name=name, entries=tuple(entries), lines=tuple(lines))


def _complete(tables: dict[str, Any], entry_files: Mapping[int, _EntryFile]) -> dict[str, Any]:
    """The tables with the entries themselves in place of the files that hold them."""
    if not entry_files:
        return tables
    lists = [
        {**table, "entries": entry_files[place].entries, "entries_file": ""} if place in entry_files else table
        for place, table in enumerate(tables["address_list"])
    ]
    return {**tables, "address_list": lists}


def _unreadable_ca_files(document: Document) -> Iterator[Problem]:
    for noun in ("host", "tls_compliance"):
        for place, table in enumerate(getattr(document, noun)):
            if not table.ca_file:
                continue
            try:
                Path(table.ca_file).open("rb").close()
            except OSError as error:
                message = f'{noun} "{table.name}": ca_file "{table.ca_file}" cannot be read ({error.strerror})'
                mend = "put it on this node, and on every other"
                yield Problem(path=(noun, place, "ca_file"), message=message, mend=mend)


def _locate(problem: Problem, lines: Lines, entry_files: Mapping[int, _EntryFile]) -> LocatedProblem:
    match problem.path:
        case ("address_list", int(place), "entries", int(entry)) if place in entry_files:
            file = entry_files[place]
            where = Problem(
                path=("address_list", place, "entries_file"),
                message=f"{file.name}:{file.lines[entry]}: {problem.message}",
                mend=problem.mend,
            )
            return LocatedProblem.of(where, lines)
        case _:
            return LocatedProblem.of(problem, lines)
