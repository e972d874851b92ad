"""What the command line prints: tables, plain text and JSON, with nothing in it that could command a terminal.

What came by mail (addresses, replies, certificates) may hold escape sequences or text that hides other text. It is
shown with such characters written out, and never taken as markup.
"""

import datetime
import json
import sys
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

out: Final = Console(highlight=False, markup=False, emoji=False)
err: Final = Console(stderr=True, highlight=False, markup=False, emoji=False)

Cell = str | int | float
_GAP: Final = 3
"""Columns between two columns of a table, at most."""
_FOLDED: Final = 30
"""Columns that a last column needs, however long its text."""
_NAMES: Final = 40
"""Columns for the names of facts, at most."""


def visible(text: str) -> str:
    """The text with control, formatting and line-breaking characters written out, such as `\\x1b`."""
    return text if text.isprintable() else "".join(one if one.isprintable() else _written(one) for one in text)


def _written(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def say(text: str, style: str = "") -> None:
    """One line on standard output, never cut."""
    out.print(Text(visible(text), style=style), soft_wrap=True)


def note(text: str) -> None:
    """Progress: one line on standard error, where that is a terminal."""
    if err.is_terminal:
        err.print(Text(visible(text), style="dim"), soft_wrap=True)


def complain(text: str) -> None:
    """What is wrong, on standard error; each line of it is made visible."""
    for line in text.splitlines():
        err.print(Text(visible(line)), soft_wrap=True)


def write_json(value: Any) -> None:
    """The value as JSON, in ASCII: indented for people, on one line for programs."""
    plain = msgspec.to_builtins(value, enc_hook=str)
    indent = 2 if out.is_terminal else None
    sys.stdout.write(json.dumps(plain, indent=indent) + "\n")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Rows under their columns; on a terminal that is too narrow for them, each row as a paragraph.

    A column whose name ends in ">" is aligned to the right. The last column holds text that may be folded.
    """
    names = [name.removesuffix(">") for name in columns]
    texts = [[visible(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *texts, strict=True)]
    if not out.is_terminal:
        _lines(columns, [names, *texts], widths)
    elif sum(widths[:-1]) + min(widths[-1], _FOLDED) + _GAP * len(widths) <= out.width:
        _table(columns, texts)
    else:
        _paragraphs(names, texts)


def _table(columns: Sequence[str], rows: list[list[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for number, name in enumerate(columns, 1):
        justify: Literal["left", "right"] = "right" if name.endswith(">") else "left"
        last = number == len(columns)
        table.add_column(name.removesuffix(">"), justify=justify, no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def _paragraphs(names: list[str], rows: list[list[str]]) -> None:
    for row in rows:
        line = Text(row[0], style="bold")
        for name, cell in zip(names[1:], row[1:], strict=True):
            part = Text.assemble((f"{name} ", "dim"), cell)
            if line.cell_len + part.cell_len + 2 > out.width:
                out.print(line)
                line = Text("  ")
            line = line + Text("  ") + part
        out.print(line, overflow="fold")


def _lines(columns: Sequence[str], rows: list[list[str]], widths: list[int]) -> None:
    for row in rows:
        cells = [
            cell.rjust(width) if name.endswith(">") else cell.ljust(width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def show_facts(facts: Sequence[tuple[str, str]], *, indent: int = 0) -> None:
    """Names and values in two columns; a value without text is left out."""
    said = [(visible(name), value) for name, value in facts if value]
    width = min(_NAMES, max((len(name) for name, _ in said), default=0))
    for name, value in said:
        _hang(Text(" " * indent + name.ljust(width) + "  ", style="dim"), value)


def show_findings(findings: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Each finding as mark, the mark's style, name and what was seen; below it what to do, where that is not empty."""
    marks, names = (max((len(one[column]) for one in findings), default=0) for column in (0, 2))
    for mark, style, name, seen, mend in findings:
        head = Text.assemble((mark.ljust(marks), style), "  ", (visible(name).ljust(min(names, _NAMES)), "bold"), "  ")
        _hang(head, seen)
        if mend:
            _hang(Text(" " * (head.cell_len - 2) + "→ ", style="cyan"), mend)


def _hang(head: Text, value: str) -> None:
    """The value behind its head, folded under itself on a terminal."""
    text = Text(visible(value))
    lines = text.wrap(out, max(20, out.width - head.cell_len)) if out.is_terminal else [text]
    for number, line in enumerate(lines):
        start = head if number == 0 else Text(" " * head.cell_len)
        out.print(start + line, soft_wrap=True)


def moment(unix: float) -> str:
    """A time as people here read it, to the second."""
    return datetime.datetime.fromtimestamp(unix).astimezone().strftime("%Y-%m-%d %H:%M:%S") if unix else ""


def span(seconds: float) -> str:
    """A span of time in its two largest units, such as "2 h 5 min"."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if left >= size or (size == 1 and not parts):
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])


def size(octets: int) -> str:
    """A size in bytes, KiB or MiB."""
    if octets < 1024:
        return f"{octets} bytes"
    return f"{octets / 1024:.1f} KiB" if octets < 1024**2 else f"{octets / 1024**2:.1f} MiB"
