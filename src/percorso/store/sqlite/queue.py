"""One worker's queue over SQLite: its own shard, and those that it adopted."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from percorso.ports.clock import Clock
from percorso.ports.queue import Claim, Consumer, ContentWriter, NewMessage, Settlement, StoreError


class SqliteQueue:
    """`Queue` over SQLite; use `open_worker_queue`."""

    def attach(self, consumer: Consumer) -> None:
        """Where claims go."""
        raise NotImplementedError

    def compose(self) -> ContentWriter:
        """Begin a message: gives it its queue id."""
        raise NotImplementedError

    def accept(self, message: NewMessage, done: Callable[[StoreError | None], None]) -> None:
        """Keep the message; `done(None)` on the event loop once it is on stable storage."""
        raise NotImplementedError

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        """End an attempt; tried again by itself until it is on stable storage, then `done()`."""
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
        """Commit what waits, and close; what was claimed and not settled is recovered at the next opening."""
        raise NotImplementedError


def open_worker_queue(data_dir: Path, *, node: str, clock: Clock, loop: asyncio.AbstractEventLoop) -> SqliteQueue:
    """Take the first shard that nobody holds (or make a new one), recover it, and be ready to accept.

    Call it in the worker's own process, after any fork: SQLite connections and threads do not survive one.
    Returns at once; what is accepted before the recovery has ended waits for it. Adopts abandoned shards from then on.
    Raises `StoreError` where the data directory cannot be used; the message says what to do.
    """
    raise NotImplementedError
