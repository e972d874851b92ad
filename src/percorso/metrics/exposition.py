"""The numbers in the format of Prometheus."""

from collections.abc import Callable, Iterator
from itertools import accumulate

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from percorso.metrics.board import Board
from percorso.metrics.catalogue import FAMILIES, Family

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is not counted but looked up."""

    workers: int
    """How many serve."""
    queue: dict[str, int]
    """Recipients in the queue, by state."""
    oldest: float
    """Seconds since the oldest message in the queue was accepted; 0 for an empty queue."""
    evidence: dict[str, int]
    """Records of each chain."""


class _Collector(Collector):
    def __init__(self, board: Board, standing: Callable[[], Standing]) -> None:
        self._board = board
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        """Every family, with the numbers of this moment."""
        for family in FAMILIES:
            yield _histogram(self._board, family) if family.buckets else _counted(self._board, family)
        standing = self._standing()
        yield GaugeMetricFamily("percorso_workers", "Workers that serve now.", value=standing.workers)
        queue = GaugeMetricFamily("percorso_queue", "Recipients in the queue.", labels=["state"])
        for state, count in standing.queue.items():
            queue.add_metric([state], count)
        yield queue
        about = "Age of the oldest message in the queue."
        yield GaugeMetricFamily("percorso_queue_oldest_seconds", about, value=standing.oldest)
        evidence = GaugeMetricFamily("percorso_evidence_records", "The head of each chain.", labels=["chain"])
        for chain, count in standing.evidence.items():
            evidence.add_metric([chain], count)
        yield evidence


def registry(board: Board, standing: Callable[[], Standing]) -> CollectorRegistry:
    """What `exposed` tells of: the board, and what `standing` looks up each time."""
    found = CollectorRegistry()
    found.register(_Collector(board, standing))
    return found


def exposed(numbers: CollectorRegistry) -> bytes:
    """The numbers as they are scraped."""
    return generate_latest(numbers)


def _counted(board: Board, family: Family) -> Metric:
    labels = [family.label] if family.label else []
    kind = GaugeMetricFamily if family.gauge else CounterMetricFamily
    metric = kind(family.name, family.about, labels=labels)
    for place, value in enumerate(family.values, family.first):
        metric.add_metric([value] if family.label else [], board.total(place))
    return metric


def _histogram(board: Board, family: Family) -> Metric:
    counts = accumulate(board.total(family.first + place) for place in range(len(family.buckets) + 1))
    bounds = [*(str(bound) for bound in family.buckets), "+Inf"]
    metric = HistogramMetricFamily(family.name, family.about)
    metric.add_metric([], list(zip(bounds, counts, strict=True)), board.total(family.first + family.width - 1))
    return metric
