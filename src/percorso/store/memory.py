"""The queue in memory: the same promises while the process lives, for tests and for the in-memory network.

What a restart would find is the `MemoryShard`: open a second `MemoryQueue` on it to see a recovery.
"""

import asyncio
from collections.abc import Callable

from percorso.ports.clock import Clock
from percorso.ports.queue import Claim, Consumer, ContentWriter, NewMessage, Settlement, StoreError


class MemoryShard:
    """What stands for stable storage: queue state and evidence."""


class MemoryQueue:
    """`Queue` in memory; callbacks come on the event loop, as from the disk."""

    def __init__(self, shard: MemoryShard, *, node: str, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._shard = shard
        self._node = node
        self._clock = clock
        self._loop = loop

    def attach(self, consumer: Consumer) -> None:
        """Where claims go."""
        raise NotImplementedError

    def compose(self) -> ContentWriter:
        """Begin a message: gives it its queue id."""
        raise NotImplementedError

    def accept(self, message: NewMessage, done: Callable[[StoreError | None], None]) -> None:
        """Keep the message; `done(None)` on the event loop once it is kept."""
        raise NotImplementedError

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        """End an attempt."""
        raise NotImplementedError

    def release(self, claim: Claim, *, due: float = 0.0) -> None:
        """Give recipients back that were not tried, without evidence."""
        raise NotImplementedError

    def wake(self) -> None:
        """Delivery has room again: claim what is due."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether so much waits for a commit that reception ought to pause reading."""
        raise NotImplementedError

    async def close(self) -> None:
        """End."""
        raise NotImplementedError
