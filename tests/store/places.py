"""Where a queue is kept, for tests that every queue passes: on disk, and in memory."""

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

from percorso.core.evidence.record import Evidence, Parties
from percorso.ports.clock import Clock
from percorso.ports.evidence import EvidenceFilter
from percorso.ports.queue import Queue
from percorso.store.memory import MemoryQueue, MemoryShard
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog
from percorso.store.sqlite.queue import open_worker_queue


class Place(Protocol):
    """Stable storage, and the queue that is open on it."""

    def open(self) -> Queue:
        """Open the queue, as a worker does when it starts."""
        ...

    async def crash(self) -> None:
        """Lose the process: only what is on stable storage is left for the next `open`."""
        ...

    async def close(self) -> None:
        """End the worker in order."""
        ...

    def attempts(self) -> list[tuple[Evidence, Parties]]:
        """The evidence, the oldest first."""
        ...


class OnDisk:
    """SQLite. A crash is what a copy of the files sees: nothing is flushed, closed or unlocked in it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.data_dir = folder / "data-0"
        self._folder = folder
        self._clock = clock
        self._crashes = 0
        self._queue: Queue | None = None

    def open(self) -> Queue:
        self._queue = open_worker_queue(self.data_dir, node="mail1", clock=self._clock, loop=asyncio.get_running_loop())
        return self._queue

    async def crash(self) -> None:
        self._crashes += 1
        left = self._folder / f"data-{self._crashes}"
        shutil.copytree(self.data_dir, left, ignore=shutil.ignore_patterns("*-shm", "index.db*"))
        await self.close()
        shutil.rmtree(self.data_dir)
        self.data_dir = left

    async def close(self) -> None:
        if self._queue:
            await self._queue.close()
            self._queue = None

    def attempts(self) -> list[tuple[Evidence, Parties]]:
        stored = SqliteEvidenceLog(self.data_dir).search(EvidenceFilter(), limit=10_000)
        return [(one.evidence, one.parties) for one in sorted(stored, key=lambda one: one.number) if one.parties]


class InMemory:
    """The queue in memory."""

    def __init__(self, clock: Clock) -> None:
        self.shard = MemoryShard()
        self._clock = clock
        self._queue: Queue | None = None

    def open(self) -> Queue:
        self._queue = MemoryQueue(self.shard, node="mail1", clock=self._clock, loop=asyncio.get_running_loop())
        return self._queue

    async def crash(self) -> None:
        await self.close()

    async def close(self) -> None:
        if self._queue:
            await self._queue.close()
            self._queue = None

    def attempts(self) -> list[tuple[Evidence, Parties]]:
        return list(zip(self.shard.evidence, self.shard.parties, strict=True))
