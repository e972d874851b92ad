"""The figures of the benchmark: medians, ratios, table, plot."""

import json
from pathlib import Path

import msgspec
import pytest

from bench import report
from bench.pairs import Pair, median_figures, spread
from percorso.lab.load.measure import Figures

OURS = Figures(
    messages=100, rate=3000.0, cpu_ms=0.25, ack_p50_ms=3.0, ack_p99_ms=9.0, memory_mib=90.0, source_cpu_ms=0.03,
    sink_cpu_ms=0.04, lost=0, doubled=0,
)  # fmt: skip
THEIRS = msgspec.structs.replace(OURS, rate=300.0, cpu_ms=3.0)
PAIRS = [
    Pair(ours=OURS, theirs=THEIRS),
    Pair(ours=msgspec.structs.replace(OURS, rate=6000.0, lost=1), theirs=THEIRS),
    Pair(ours=OURS, theirs=msgspec.structs.replace(THEIRS, cpu_ms=2.5)),
]
RUNS = {
    "source to sink": [msgspec.structs.replace(OURS, rate=24_000.0)],
    "Percorso": [pair.ours for pair in PAIRS],
    "Postfix": [pair.theirs for pair in PAIRS],
}


def test_ratios_are_of_each_pair_and_then_the_median() -> None:
    assert [pair.rate_ratio for pair in PAIRS] == [10.0, 20.0, 10.0]
    assert [pair.cpu_ratio for pair in PAIRS] == [12.0, 12.0, 10.0]
    assert report.ratios(PAIRS) == [
        "Percorso against Postfix by rate: 10.0 times (median of 3 paired runs, 10.0 to 20.0).",
        "Percorso against Postfix by CPU per message: 12.0 times (median of 3 paired runs, 10.0 to 12.0).",
    ]


def test_losses_are_added_not_averaged() -> None:
    middle = median_figures(RUNS["Percorso"])
    assert (middle.rate, middle.lost) == (3000.0, 1)


def test_the_spread() -> None:
    assert spread([3.0, 1.0, 2.0]) == (1.0, 2.0, 3.0)


def test_the_limit_is_told() -> None:
    assert report.limits(RUNS) == ["Source and sink alone reach 24,000 msg/s; Percorso's rate is 12% of that."]


def test_the_results_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the plot needs the bench group: scripts/setup.sh --group bench")
    sentences = report.write(tmp_path, RUNS, PAIRS, {"date": "2026-11-23"})
    assert len(sentences) == 3
    written = (tmp_path / "bench.md").read_text()
    assert "| Percorso | 3 | 3,000 | 0.250 |" in written
    assert "- date: 2026-11-23" in written
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["runs"]["Postfix"][0]["rate"] == 300.0
    assert {path.suffix for path in tmp_path.iterdir()} == {".md", ".json", ".svg", ".png"}
