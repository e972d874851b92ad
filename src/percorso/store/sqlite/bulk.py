"""One statement for many rows.

Every step into SQLite gives up the interpreter's lock and has to win it back from the event loop's thread, which may
take milliseconds. So a batch of rows is a few statements, not one for each row.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final

import apsw

from percorso.store.sqlite.connection import Row

_SIZES: Final = (64, 32, 16, 8, 4, 2, 1)


class Bulk:
    """A statement with a part that is repeated for each row, such as `(?, ?)`; made for a few fixed numbers of rows."""

    def __init__(self, head: str, row: str, tail: str = "") -> None:
        self._statements = [(size, head + ",".join([row] * size) + tail) for size in _SIZES]

    def run(self, connection: apsw.Connection, values: Sequence[Row]) -> list[Row]:
        """Run it over all rows, in their order; returns what it returns."""
        returned: list[Row] = []
        start = 0
        for size, sql in self._statements:
            while len(values) - start >= size:
                bindings = tuple(chain.from_iterable(values[start : start + size]))
                returned += connection.execute(sql, bindings)
                start += size
        return returned
