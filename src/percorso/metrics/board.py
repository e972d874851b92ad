"""The memory that the processes of a node share: a part for each worker, which alone writes it.

It is made before the fork and belongs to the first process, so that a worker that is started again goes on counting
where the one before it ended.
"""

import mmap
from bisect import bisect_left
from typing import Final

from percorso.metrics.catalogue import BEAT, OTHER, SIZE, Family

ALIVE: Final = 10.0
"""Seconds after a sign of life for which a worker counts as alive."""


class Board:
    """The parts of all workers."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._cells = memoryview(mmap.mmap(-1, workers * SIZE * 8)).cast("d")

    def part(self, worker: int) -> "Part":
        """The part of one worker."""
        return Part(self._cells[worker * SIZE : (worker + 1) * SIZE])

    def total(self, place: int) -> float:
        """The sum over all workers."""
        return float(sum(self._cells[place::SIZE]))

    def serving(self, now: float) -> int:
        """How many workers do their work; `now` in monotonic seconds."""
        return sum(now - beat < ALIVE for beat in self._cells[BEAT::SIZE] if beat)

    def all_serve(self, now: float) -> bool:
        """Whether no worker is missing."""
        return self.serving(now) == self._workers


class Part:
    """What one worker counts."""

    __slots__ = ("cells",)

    def __init__(self, cells: "memoryview[float]") -> None:
        self.cells = cells

    def beat(self, now: float) -> None:
        """A sign of life; 0 for the end."""
        self.cells[BEAT] = now


class Counter:
    """The counters of one family, by the values of its label."""

    __slots__ = ("_cells", "_other", "_places")

    def __init__(self, part: Part, family: Family) -> None:
        self._cells = part.cells
        self._places = {value: family.first + place for place, value in enumerate(family.values)}
        self._other = self._places.get(OTHER)

    def add(self, value: str = "", amount: float = 1.0) -> None:
        """Count; a value that is not foreseen counts as "other", where the family has that, and else not."""
        place = self._places.get(value, self._other)
        if place is not None:
            self._cells[place] += amount

    def set(self, amount: float) -> None:
        """Set a gauge."""
        self._cells[self._places[""]] = amount


class Histogram:
    """The histogram of one family."""

    __slots__ = ("_buckets", "_cells", "_first", "_sum")

    def __init__(self, part: Part, family: Family) -> None:
        self._cells = part.cells
        self._buckets = family.buckets
        self._first = family.first
        self._sum = family.first + family.width - 1

    def observe(self, value: float) -> None:
        """One more value."""
        self._cells[self._first + bisect_left(self._buckets, value)] += 1.0
        self._cells[self._sum] += value
