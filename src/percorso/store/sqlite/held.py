"""A shard that this worker holds, as the event loop sees it."""

import asyncio
from collections.abc import Callable
from typing import Final

from percorso.ports.clock import Clock
from percorso.store.sqlite.shard import Shard
from percorso.store.sqlite.work import DecideAgain, Outcome, Seek, Stop
from percorso.store.sqlite.writer import Writer

PORTION: Final = 500
"""Recipients made due in one second after a change of settings."""


class Held:
    """A shard with its store thread. `report` comes on the event loop, after each commit and when something is due."""

    def __init__(
        self, shard: Shard, *, clock: Clock, loop: asyncio.AbstractEventLoop, report: "Report", adopted: bool
    ) -> None:
        self.shard = shard
        self.next_due: float | None = None
        self.seeking = False
        """Whether a `Seek` is under way."""
        self.stopping = False
        self.stopped = asyncio.Event()
        self._next_portion: asyncio.TimerHandle | None = None
        self._loop = loop
        self._tell = report
        self._writer = Writer(shard.database, clock, self._report, tells_empty=adopted)
        self.put = self._writer.put
        """Hand over work, from any thread."""
        self._writer.start(f"store-{shard.number:02}", shard.recover)

    def seek(self, limit: int) -> None:
        """Claim what is due, of at most `limit` messages."""
        self.seeking = True
        self.put(Seek(limit=limit))

    def decide_again(self, after: tuple[int, int] = (-1, -1)) -> None:
        """Make due what a change of settings may concern, a portion each second, from a place on."""
        if self._next_portion:
            self._next_portion.cancel()
            self._next_portion = None
        if not self.stopping:
            self.put(DecideAgain(after=after, limit=PORTION))

    def stop(self) -> None:
        """End after what waits, and give the shard up."""
        if not self.stopping:
            self.stopping = True
            if self._next_portion:
                self._next_portion.cancel()
            self.shard.index.stop()
            self.put(Stop())

    def _report(self, outcome: Outcome) -> None:
        try:
            self._loop.call_soon_threadsafe(self._take_up, outcome)
        except RuntimeError:  # the event loop was closed under us: nobody is left to tell
            self.put(Stop())

    def _take_up(self, outcome: Outcome) -> None:
        self.next_due = outcome.next_due
        if outcome.decided_again:
            self._next_portion = self._loop.call_later(1.0, self.decide_again, outcome.decided_again)
        if outcome.sought:
            self.seeking = False
        self._tell(self, outcome)
        if outcome.stopped:
            self.shard.lock.free()
            self.stopped.set()


Report = Callable[[Held, Outcome], None]
