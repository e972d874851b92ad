"""One statement for many rows.

Every step into SQLite gives up the interpreter's lock and has to win it back from the event loop's thread, which may
take milliseconds. So a batch of rows is a few statements, not one for each row.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final

import apsw

from percorso.store.sqlite.connection import Row

_MOST: Final = 64  # rows in one statement


class Bulk:
    """A statement with a part that is repeated for each row, such as `(?, ?)`; made for every number up to `_MOST`."""

    def __init__(self, head: str, row: str, tail: str = "") -> None:
        self._statements = [head + ",".join([row] * size) + tail for size in range(_MOST + 1)]

    def run(self, connection: apsw.Connection, values: Sequence[Row]) -> list[Row]:
        """Run it over all rows, in their order; returns what it returns."""
        returned: list[Row] = []
        for start in range(0, len(values), _MOST):
            portion = values[start : start + _MOST]
            returned += connection.execute(self._statements[len(portion)], tuple(chain.from_iterable(portion)))
        return returned
