"""The table of the trial, for people and for programs."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from percorso.lab.expectations import SETTINGS, Fate, Kind
from percorso.lab.outcome import CellResult

_STYLES = {
    Kind.TLS: "green",
    Kind.PLAINTEXT: "yellow",
    Kind.ALTERNATE: "cyan",
    Kind.WAITING: "magenta",
    Kind.BOUNCED: "blue",
    Kind.NOTHING: "red",
}
_COUNTED = {
    Kind.TLS: "delivered over TLS",
    Kind.PLAINTEXT: "delivered in PLAINTEXT",
    Kind.ALTERNATE: "delivered via the alternate host",
    Kind.WAITING: "waiting",
    Kind.BOUNCED: "bounced",
    Kind.NOTHING: "without any evidence",
}
_MEANINGS = {"4.2.1": "mailbox busy", "4.4.1": "no connection", "5.1.1": "no such user"}


def _words(fate: Fate) -> str:
    meaning = _MEANINGS.get(fate.why)
    return f"{fate} ({meaning})" if meaning else str(fate)


def _shown(result: CellResult) -> RenderableType:
    text = Text(_words(result.fate), style=_STYLES[result.fate.kind])
    for problem in result.problems:
        text.append(f"\n✗ {problem}", style="bold red")
    return text


def table(results: Sequence[CellResult]) -> Table:
    """Destinations by settings."""
    shown = Table(title="What became of each message", show_lines=True)
    shown.add_column("destination", style="bold")
    for setting in SETTINGS:
        shown.add_column(setting.title, overflow="fold")
    for start in range(0, len(results), len(SETTINGS)):
        row = results[start : start + len(SETTINGS)]
        shown.add_row(row[0].cell.destination.name, *map(_shown, row))
    return shown


def closing(results: Sequence[CellResult], leaks: Sequence[str], seconds: float) -> str:
    """The counts, in one sentence."""
    counts = {kind: sum(result.fate.kind is kind for result in results) for kind in Kind}
    told = ", ".join(f"{count} {_COUNTED[kind]}" for kind, count in counts.items() if count)
    wrong = sum(bool(result.problems) for result in results) + len(leaks)
    verdict = "all as the contract says, on both sides" if not wrong else f"{wrong} NOT as the contract says"
    return f"{len(results)} messages in {seconds:.0f} s: {told}; {verdict}."


def print_results(console: Console, results: Sequence[CellResult], leaks: Sequence[str], seconds: float) -> None:
    """Table, leaks and closing line."""
    console.print(table(results))
    for leak in leaks:
        console.print(leak, style="bold red")
    console.print(closing(results, leaks, seconds))


def as_json(results: Sequence[CellResult], leaks: Sequence[str], config: Path) -> str:
    """The same for programs."""
    cells = [
        {
            "destination": result.cell.destination.name, "domain": result.cell.destination.domain,
            "setting": result.cell.setting.title, "unit": result.cell.setting.unit, "queue_id": result.queue_id,
            "fate": str(result.fate), "expected": str(result.cell.expected), "problems": result.problems,
        }
        for result in results
    ]  # fmt: skip
    document = {"cells": cells, "plaintext_leaks": list(leaks), "config": str(config)}
    return msgspec.json.format(msgspec.json.encode(document)).decode()
