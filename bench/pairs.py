"""Runs: one server at a time under the load, in turn, and what the pairs say together."""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bench.servers import Server, Surroundings
from percorso.lab.certificates import Authority
from percorso.lab.load.measure import Figures, Progress, measure, source_and_sink
from percorso.lab.load.source import LoadPlan


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What every server gets."""

    messages: int
    connections: int = 20
    size: int = 10 * 1024  # octets of a message
    warm_up: int = 400
    """Messages before the measured ones: connections open, caches filled."""


class Bench:
    """Everything that the runs share: the folder, the authority, the load."""

    def __init__(self, folder: Path, authority: Authority, load: Load) -> None:
        self._folder = folder
        self._authority = authority
        self._load = load
        self._server = authority.issue("mx.bench.test")

    def one(self, server: Server, progress: Progress) -> Figures:
        """A fresh server, warmed up, then measured."""
        load = self._load
        size = max(load.messages, load.warm_up)
        pair = self._server
        folder = Path(tempfile.mkdtemp(prefix=f"{server.name.split()[0].lower()}-", dir=self._folder))
        with source_and_sink(pair.certificate, pair.key, size, implicit=not server.starttls) as ends:
            surroundings = Surroundings(
                folder=folder, server=pair, ca_file=self._authority.ca_file, sink_port=ends.port,
                sink_process=ends.sink_process, connections=load.connections,
            )  # fmt: skip
            with server.run(surroundings) as up:
                plan = LoadPlan(
                    address="127.0.0.1", port=up.port, messages=load.warm_up, connections=load.connections,
                    size=load.size, starttls=server.starttls,
                )  # fmt: skip
                measure(plan, ends, up.process)
                return measure(msgspec.structs.replace(plan, messages=load.messages), ends, up.process, progress)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs, one right after the other."""

    ours: Figures
    theirs: Figures

    @property
    def rate_ratio(self) -> float:
        """How many times their rate ours is."""
        return self.ours.rate / self.theirs.rate

    @property
    def cpu_ratio(self) -> float:
        """How many times our CPU per message theirs is."""
        return self.theirs.cpu_ms / self.ours.cpu_ms


def alternate(
    bench: Bench, ours: Server, theirs: Server, pairs: int, progress: Callable[[str], Progress]
) -> list[Pair]:
    """The pairs, one after the other, ours first in each."""
    return [
        Pair(
            ours=bench.one(ours, progress(f"{ours.name} {number}/{pairs}")),
            theirs=bench.one(theirs, progress(f"{theirs.name} {number}/{pairs}")),
        )
        for number in range(1, pairs + 1)
    ]


def median_figures(runs: Sequence[Figures]) -> Figures:
    """Field by field the median; losses and doubles add up."""
    values = {name: statistics.median(getattr(run, name) for run in runs) for name in Figures.__struct_fields__}
    values |= {"lost": sum(run.lost for run in runs), "doubled": sum(run.doubled for run in runs)}
    return Figures(**values)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Lowest, median, highest."""
    return min(values), statistics.median(values), max(values)
