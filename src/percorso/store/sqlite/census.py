"""The census of the queue: everything but the number of what is queued comes from indexes of what is wrong."""

from collections import Counter
from pathlib import Path
from typing import Final

import apsw

from percorso.ports.census import Census, Failing, LostHost
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files
from percorso.store.sqlite.connection import rows, value
from percorso.store.sqlite.shard_reader import each_shard

_QUEUED: Final = "SELECT count(*) FROM recipient WHERE state = 0"

# Ids grow with time, so that the first message with a queued recipient is the oldest.
_OLDEST: Final = """
    SELECT accepted_at FROM message
    WHERE id = (SELECT message FROM recipient NOT INDEXED WHERE state = 0 ORDER BY message, number LIMIT 1)
"""

_PARKED: Final = "SELECT domain, count(*) FROM recipient WHERE state = 2 AND sender = '' GROUP BY domain"

_FAILING: Final = """
    SELECT domain, last_failure, count(*) FROM recipient
    WHERE last_failure <> '' AND state <> 2 GROUP BY domain, last_failure
"""

_LOST: Final = "SELECT lost_host, count(*) FROM recipient WHERE lost_host <> '' AND state <> 2 GROUP BY lost_host"


class SqliteQueueCensus:
    """`QueueCensus` over the shards of a data directory, while workers write."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._data_dir = data_dir
        self._files = files

    def take(self) -> Census:
        """Count."""
        queued, oldest = 0, 0.0
        parked: Counter[str] = Counter()
        failing: Counter[tuple[str, str]] = Counter()
        lost: Counter[str] = Counter()
        with each_shard(self._data_dir, files=self._files) as shards:
            for shard, connection in shards:
                try:
                    queued += value(connection, _QUEUED)
                    oldest = min(filter(None, (oldest, *_column(connection, _OLDEST))), default=0.0)
                    parked.update(dict(rows(connection, _PARKED)))
                    failing.update({(domain, kind): count for domain, kind, count in rows(connection, _FAILING)})
                    lost.update(dict(rows(connection, _LOST)))
                except apsw.Error as error:
                    raise store_error(error, shard) from error
        return Census(
            queued=queued,
            oldest=oldest,
            parked=tuple(sorted(parked.items())),
            failing=tuple(
                Failing(domain=domain, failure=kind, recipients=count)
                for (domain, kind), count in sorted(failing.items())
            ),
            lost_hosts=tuple(LostHost(name=name, recipients=count) for name, count in sorted(lost.items())),
        )


def _column(connection: apsw.Connection, sql: str) -> list[float]:
    return [row[0] for row in rows(connection, sql)]
