"""The figures as a table for people, as Markdown, as JSON, and as a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from rich.table import Table

from bench.pairs import Pair, median_figures, spread
from percorso.lab.load.measure import Figures

_HEADINGS = (
    "server", "runs", "msg/s", "CPU ms/msg", "ack p50 ms", "ack p99 ms", "peak memory MiB",
    "source CPU ms/msg", "sink CPU ms/msg", "lost", "doubled",
)  # fmt: skip

Runs = Mapping[str, Sequence[Figures]]


def rows(runs: Runs) -> list[tuple[str, ...]]:
    """One row of medians for each server."""
    return [_row(name, figures) for name, figures in runs.items()]


def _row(name: str, figures: Sequence[Figures]) -> tuple[str, ...]:
    middle = median_figures(figures)
    return (
        name, str(len(figures)), f"{middle.rate:,.0f}", f"{middle.cpu_ms:.3f}", f"{middle.ack_p50_ms:.1f}",
        f"{middle.ack_p99_ms:.1f}", f"{middle.memory_mib:.0f}", f"{middle.source_cpu_ms:.3f}",
        f"{middle.sink_cpu_ms:.3f}", str(middle.lost), str(middle.doubled),
    )  # fmt: skip


def ratios(pairs: Sequence[Pair]) -> list[str]:
    """What the pairs say, in sentences."""
    sentences = []
    for what, values in (
        ("by rate", [pair.rate_ratio for pair in pairs]),
        ("by CPU per message", [pair.cpu_ratio for pair in pairs]),
    ):
        low, middle, high = spread(values)
        sentences.append(
            f"Percorso against Postfix {what}: {middle:.1f} times "
            f"(median of {len(values)} paired runs, {low:.1f} to {high:.1f})."
        )
    return sentences


def limits(runs: Runs) -> list[str]:
    """Whether source and sink could have been the limit, and how near the pipe we are."""
    if "Percorso" not in runs:
        return []
    ours = median_figures(runs["Percorso"]).rate
    sentences = []
    for name, meaning in (("source to sink", "Source and sink alone reach"), ("bare pipe", "A bare TLS pipe reaches")):
        if name in runs:
            rate = median_figures(runs[name]).rate
            sentences.append(f"{meaning} {rate:,.0f} msg/s; Percorso's rate is {ours / rate:.0%} of that.")
    return sentences


def table(runs: Runs) -> Table:
    """For the terminal."""
    shown = Table(title="Medians over all runs")
    for heading in _HEADINGS:
        shown.add_column(heading, justify="left" if heading == "server" else "right")
    for row in rows(runs):
        shown.add_row(*row)
    return shown


def markdown(runs: Runs, sentences: Sequence[str]) -> str:
    """For documents."""
    lines = [f"| {' | '.join(cells)} |" for cells in (_HEADINGS, ("---",) * len(_HEADINGS), *rows(runs))]
    return "\n".join([*lines, "", *(f"- {sentence}" for sentence in sentences), ""])


def write(folder: Path, runs: Runs, pairs: Sequence[Pair], conditions: Mapping[str, str | int]) -> list[str]:
    """Table, figures and plot into the folder; returns the sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    sentences = [*(ratios(pairs) if pairs else []), *limits(runs)]
    text = "".join(f"- {name}: {value}\n" for name, value in conditions.items())
    (folder / "bench.md").write_text(f"{markdown(runs, sentences)}\n{text}", encoding="utf-8")
    document = {"conditions": conditions, "runs": {name: list(figures) for name, figures in runs.items()}}
    (folder / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(document)))
    _plot(folder, runs)
    return sentences


def _plot(folder: Path, runs: Runs) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    measured = [name for name in ("Percorso", "Postfix") if name in runs]
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
    for axis, field, title in zip(
        axes,
        ("rate", "cpu_ms", "ack_p99_ms"),
        ("messages a second", "CPU ms per message", "final dot to 250, p99, ms"),
        strict=True,
    ):
        values = [[getattr(run, field) for run in runs[name]] for name in measured]
        axis.bar(measured, [spread(value)[1] for value in values], color=["#2a6f97", "#b0b7bf"][: len(measured)])
        for place, value in enumerate(values):
            axis.plot([place] * len(value), value, "o", color="black", markersize=3, alpha=0.6)
        axis.set_title(title)
        axis.set_ylim(bottom=0)
    figure.suptitle("10 KiB messages over TLS 1.3 on both legs; bars are medians, dots single runs")
    for ending in ("svg", "png"):
        figure.savefig(folder / f"bench.{ending}")
    pyplot.close(figure)
