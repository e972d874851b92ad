"""What accounts have used of their rates, in `rates.db`: one row for each account, shared by the workers of a node.

A commit does not wait for the disk: what a power failure takes away is a few messages' worth of counting.
"""

from pathlib import Path
from typing import Final

import apsw

from percorso.core.access import rate as rates
from percorso.core.settings.rate import Rate
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files
from percorso.store.lock import FileLock
from percorso.store.sqlite.connection import create_database, transaction, value
from percorso.store.sqlite.migrate import migrate, migrations

_CACHE_KIB: Final = 1024
_BUSY_TIMEOUT: Final = 100
"""Milliseconds: a client asks on the event loop, and all others wait meanwhile."""
_UNTIL: Final = "SELECT until FROM account_rate WHERE account = ?"
_KEEP: Final = """
    INSERT INTO account_rate (account, until) VALUES (?, ?) ON CONFLICT DO UPDATE SET until = excluded.until
"""


class SqliteAccountRates:
    """`AccountRates` of a data directory, from any process; open it after any fork."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._path = layout.rates_database(data_dir)
        lock = FileLock(data_dir / "lock")
        try:
            files.make_directory(data_dir)
            lock.take(wait=True)
            self._connection = create_database(self._path, files=files, cache_kib=_CACHE_KIB)
            self._connection.pragma("synchronous", "normal")
            migrate(self._connection, migrations("rates"))
            self._connection.set_busy_timeout(_BUSY_TIMEOUT)
        except (OSError, apsw.Error, StoreError) as error:
            raise store_error(error, self._path) from error
        finally:
            lock.free()

    def take(self, account: str, rate: Rate, *, now: float) -> float:
        """Take one more: 0, or the seconds until there is one. `now` in unix seconds. Raises `StoreError`."""
        try:
            with transaction(self._connection):
                until = value(self._connection, _UNTIL, (account,)) or 0.0
                taken = rates.take(rate, until, now)
                if not taken.wait:
                    self._connection.execute(_KEEP, (account, taken.until))
        except apsw.Error as error:
            raise store_error(error, self._path) from None
        return taken.wait

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
