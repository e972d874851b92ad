"""The queue as operators work on it: all shards of the node."""

from collections.abc import Iterator
from pathlib import Path

from percorso.ports.queue import QueueEntry, QueueFilter


class SqliteQueueDesk:
    """`QueueDesk` over the shards of a data directory, from any process, while workers write.

    Workers see a retry within 0.25 s.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def entries(self, which: QueueFilter, *, after: str = "", limit: int = 100) -> Iterator[QueueEntry]:
        """Entries ordered by id and number; `after` is the last one seen, as "ID/NUMBER"."""
        raise NotImplementedError

    def count(self, which: QueueFilter) -> int:
        """How many entries match."""
        raise NotImplementedError

    def retry(self, which: QueueFilter, *, now: float) -> int:
        """Make matching queued entries due now; returns how many."""
        raise NotImplementedError
