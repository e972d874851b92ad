"""A lane: work of one kind, done by a few long-lived workers.

A worker takes the next item, sees it to its end, and takes the next: no task for each message. Workers begin when there
is more to do than hands, and end when nothing came for a while.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from percorso.delivery.fair import FairQueue

Item = TypeVar("Item")


class Lane(Generic[Item]):
    """Items of each owner in their order, and up to `width` workers that wait `linger` seconds for more.

    `work` sees to its own errors.
    """

    def __init__(
        self,
        work: Callable[[Item], Awaitable[None]],
        *,
        width: int,
        linger: float,
        owner: Callable[[Item], Hashable] = lambda _: None,
    ) -> None:
        self._work = work
        self._width = width
        self._linger = linger
        self._waiting: FairQueue[Item] = FairQueue(owner)
        self._idle: list[asyncio.Future[None]] = []
        self._workers: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Items that no worker has taken yet."""
        return len(self._waiting)

    @property
    def deserted(self) -> bool:
        """Whether there is neither work nor a worker."""
        return not self._workers and not self._waiting

    @property
    def owners(self) -> int:
        """Owners of items that wait."""
        return self._waiting.owners

    def count(self, owner: Hashable) -> int:
        """Items of one owner that no worker has taken yet."""
        return self._waiting.count(owner)

    @property
    def delay(self) -> float:
        """How long the next item has been waiting, in seconds."""
        now = asyncio.get_running_loop().time()
        return now - self._waiting.since(now)

    def widen(self, width: int) -> None:
        """Have so many workers from now on; those that are too many go home after what they do."""
        self._width = width
        for _ in range(min(len(self._waiting), width - len(self._workers))):
            self._begin()

    def put(self, item: Item) -> None:
        """Add work at the end."""
        self._waiting.put(item, asyncio.get_running_loop().time())
        if self._idle:
            self._idle.pop().set_result(None)
        elif len(self._workers) < self._width:
            self._begin()

    def shed(self, keep: int) -> list[Item]:
        """Take back items beyond `keep` that no worker has taken, the last of whoever has most."""
        return self._waiting.drop(keep)

    def dismiss(self) -> list[Item]:
        """No more work: idle workers go home, busy ones after what they do. Returns what is left undone."""
        self._linger = 0.0
        for wake in self._idle:
            wake.set_result(None)
        self._idle.clear()
        return self.shed(0)

    async def ended(self, *, timeout: float) -> None:
        """Wait until every worker has ended; after `timeout` seconds they are cancelled."""
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=timeout)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _begin(self) -> None:
        self._workers.add(asyncio.get_running_loop().create_task(self._run()))

    async def _run(self) -> None:
        try:
            while len(self._workers) <= self._width and (self._waiting or await self._more_comes()):
                await self._work(self._waiting.take())
        finally:
            if worker := asyncio.current_task():
                self._workers.discard(worker)

    async def _more_comes(self) -> bool:
        """Wait for an item; whether one is there now."""
        if not self._linger:
            return False
        loop = asyncio.get_running_loop()
        wake = loop.create_future()
        self._idle.append(wake)
        timer = loop.call_later(self._linger, self._give_up, wake)
        try:
            await wake
        finally:
            timer.cancel()
            if wake in self._idle:
                self._idle.remove(wake)
        return bool(self._waiting)

    def _give_up(self, wake: "asyncio.Future[None]") -> None:
        if wake in self._idle:  # else work came in the same turn of the loop
            self._idle.remove(wake)
            wake.set_result(None)
