"""`python -m bench`: measure, print the table, write the results."""

import datetime
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import postfix, report
from bench.gateway import Percorso
from bench.pairs import Bench, Load, Pair, alternate
from bench.pipe import Direct, Pipe
from bench.servers import Server
from percorso.lab.certificates import Authority
from percorso.lab.load import usage
from percorso.lab.load.measure import Figures
from percorso.lab.load.measure import Progress as Report

RESULTS = Path(__file__).parent / "results"


class Shown:
    """Progress on the terminal's error stream."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def __call__(self, what: str) -> Report:
        """A bar for one run."""
        task = self._bars.add_task(what, total=None)

        def update(taken: int, messages: int) -> None:
            self._bars.update(task, completed=taken, total=messages, refresh=True)

        return update


def _bars(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, auto_refresh=False)  # no thread: processes are forked


def _measure(bench: Bench, ours: Server, pairs: int, *, pipe: bool, shown: Shown) -> tuple[report.Runs, list[Pair]]:
    runs: dict[str, list[Figures]] = {"source to sink": [bench.one(Direct(), shown("source to sink"))]}
    if pipe:
        runs["bare pipe"] = [bench.one(Pipe(), shown("bare pipe"))]
    if why := postfix.why_not():
        Console(stderr=True).print(f"Percorso alone is measured: {why}.")
        return {**runs, ours.name: [bench.one(ours, shown(f"{ours.name} {n + 1}/{pairs}")) for n in range(pairs)]}, []
    found = alternate(bench, ours, postfix.Postfix(), pairs, shown)
    return {**runs, "Percorso": [pair.ours for pair in found], "Postfix": [pair.theirs for pair in found]}, found


def main(
    pairs: Annotated[int, typer.Option(min=1, help="Paired runs, Percorso and Postfix in turn.")] = 7,
    messages: Annotated[int, typer.Option(min=100, help="Messages of each run.")] = 6000,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes of Percorso.")] = 1,
    evidence: Annotated[int, typer.Option(help="Evidence rows that are there before.")] = 1_000_000,
    pipe: Annotated[bool, typer.Option(help="Measure a bare TLS-to-TLS pipe, too.")] = True,
    folder: Annotated[Path, typer.Option(help="Where queues live: a real disk, not a tmpfs.")] = Path("/var/tmp"),  # noqa: S108 (a fresh folder is made in it)
) -> None:
    """Measure Percorso against Postfix on this machine."""
    if not usage.available():
        raise typer.BadParameter("the benchmark reads CPU and memory from /proc, which this system lacks")
    load = Load(messages=messages)
    now = datetime.datetime.now(datetime.UTC)
    busy_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="percorso-bench-", dir=folder) as work:
        Path(work).chmod(0o755)  # Postfix's own user must reach its queue
        with _bars(Console(stderr=True)) as bars:
            shown = Shown(bars)
            ours = Percorso(
                Path(work), evidence_rows=evidence, workers=workers, progress=shown("filling the evidence log")
            )
            bench = Bench(Path(work), Authority(Path(work), now=now), load)
            runs, found = _measure(bench, ours, pairs, pipe=pipe, shown=shown)
    conditions: dict[str, str | int] = {
        "date": now.isoformat(timespec="seconds"), "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "kernel": platform.release(), "python": platform.python_version(), "messages a run": messages,
        "connections": load.connections, "workers": workers, "octets a message": load.size,
        "evidence rows before": evidence,
        "load average before and after": f"{busy_before:.1f}, {os.getloadavg()[0]:.1f}",
    }  # fmt: skip
    results = RESULTS / now.strftime("%Y%m%d-%H%M%S")
    sentences = report.write(results, runs, found, conditions)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(report.table(runs))
    for sentence in sentences:
        console.print(sentence)
    console.print(f"Written to {results}")


if __name__ == "__main__":
    typer.run(main)
