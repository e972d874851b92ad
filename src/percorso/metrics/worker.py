"""What one worker counts, from what passes through its queue and its dialer: a few microseconds a message.

Everything here runs on the worker's event loop.
"""

from collections.abc import Callable

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence
from percorso.core.hosts.host import Target
from percorso.metrics import catalogue
from percorso.metrics.board import Counter, Histogram, Part
from percorso.ports.dialer import ConnectFailed, Dialer, Stream
from percorso.ports.queue import Queue, Settlement


class Meter:
    """Counts attempts and commits."""

    def __init__(self, part: Part) -> None:
        self._recipients = Counter(part, catalogue.RECIPIENTS)
        self._routes = Counter(part, catalogue.ROUTES)
        self._secure = Counter(part, catalogue.SECURE)
        self._tls = Counter(part, catalogue.DELIVERY_TLS)
        self._failures = Counter(part, catalogue.FAILURES)
        self._queue_seconds = Histogram(part, catalogue.QUEUE_SECONDS)
        self._commit_seconds = Histogram(part, catalogue.COMMIT_SECONDS)
        self._commit_work = Histogram(part, catalogue.COMMIT_WORK)

    def settled(self, settlement: Settlement) -> None:
        """An attempt is over."""
        for result in settlement.results:
            self._recipients.add(result.status.value)
            if result.evidence.failure:
                self._failures.add(result.evidence.failure)
            if result.status is Status.DELIVERED:
                self._delivered(result.evidence)

    def committed(self, work: int, seconds: float) -> None:
        """A commit is on stable storage."""
        self._commit_seconds.observe(seconds)
        self._commit_work.observe(work)

    def _delivered(self, evidence: Evidence) -> None:
        self._queue_seconds.observe(evidence.queue_seconds)
        self._routes.add("alternate" if evidence.alternate else evidence.route.partition(" ")[0])
        self._secure.add("tls" if evidence.secure else "plaintext")
        if evidence.secure:
            self._tls.add(evidence.tls.version)


class MeteredQueue:
    """A `Queue` of which every settlement is counted."""

    def __init__(self, queue: Queue, settled: Callable[[Settlement], None]) -> None:
        self._queue = queue
        self._settled = settled
        self.attach = queue.attach
        self.compose = queue.compose
        self.accept = queue.accept
        self.release = queue.release
        self.wake = queue.wake
        self.decide_again = queue.decide_again
        self.close = queue.close

    @property
    def busy(self) -> bool:
        """As the queue says."""
        return self._queue.busy

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        """Count it, and hand it on."""
        self._settled(settlement)
        self._queue.settle(settlement, done)


class MeteredDialer:
    """A `Dialer` whose connections are counted."""

    def __init__(self, dialer: Dialer, part: Part) -> None:
        self._dialer = dialer
        self._connections = Counter(part, catalogue.CONNECTIONS)

    async def connect(self, target: Target, *, timeout: float) -> Stream:
        """As the dialer does. Raises `ConnectFailed`."""
        try:
            stream = await self._dialer.connect(target, timeout=timeout)
        except ConnectFailed:
            self._connections.add("failed")
            raise
        self._connections.add("connected")
        return stream
