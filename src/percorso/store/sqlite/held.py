"""A shard that this worker holds, as the event loop sees it."""

import asyncio
from collections.abc import Callable

from percorso.ports.clock import Clock
from percorso.store.sqlite.shard import Shard
from percorso.store.sqlite.work import Outcome, Seek, Stop
from percorso.store.sqlite.writer import Writer


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

    def stop(self) -> None:
        """End after what waits, and give the shard up."""
        if not self.stopping:
            self.stopping = True
            self.shard.index.stop()
            self.put(Stop())

    def _report(self, outcome: Outcome) -> None:
        try:
            self._loop.call_soon_threadsafe(self._take_up, outcome)
        except RuntimeError:  # the event loop was closed under us: nobody is left to tell
            self.put(Stop())

    def _take_up(self, outcome: Outcome) -> None:
        self.next_due = outcome.next_due
        if outcome.sought:
            self.seeking = False
        self._tell(self, outcome)
        if outcome.stopped:
            self.shard.lock.free()
            self.stopped.set()


Report = Callable[[Held, Outcome], None]
