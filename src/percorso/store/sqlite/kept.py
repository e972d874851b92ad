"""The requirements that recipients keep, as operators look at them and relax them."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import apsw

from percorso.ports.queue import Content, Relaxation, Waiting
from percorso.store.content import InlineContent
from percorso.store.queue_id import id_number
from percorso.store.spool import Spool
from percorso.store.sqlite import codec, desk_sql
from percorso.store.sqlite.connection import Row, rows

_PAGE: Final = 100
"""Recipients read at once, with the content of their messages."""


def required(connection: apsw.Connection, spool: Spool) -> Iterator[Waiting]:
    """A shard's messages with the recipients that keep a requirement; a long list of recipients comes in parts."""
    after = (-1, -1)
    while page := rows(connection, desk_sql.REQUIRED, (*after, _PAGE)):
        for _, found in groupby(page, key=lambda row: row[0]):
            try:
                waiting = _waiting(list(found), spool)
            except codec.UNREADABLE:  # the next claim holds it, if none did yet: nothing can be decided of it
                continue
            yield waiting
        after = (page[-1][0], page[-1][5])


def relax(connection: apsw.Connection, which: Sequence[Relaxation], now: float) -> int:
    """Replace requirements; of other shards' messages there are none here. Returns how many."""
    changed = 0
    for one in which:
        old, new = codec.kept_column(one.old), codec.kept_column(one.new)
        connection.execute(desk_sql.RELAX, (new, now, id_number(one.id), one.number, old))
        changed += connection.changes()
    return changed


def _waiting(found: list[Row], spool: Spool) -> Waiting:
    number, accepted_at, size, meta, inline = found[0][:5]
    content: Content = spool.open(number, size) if inline is None else InlineContent(inline)
    return Waiting(
        message=codec.read_message(number, accepted_at, meta, content),
        recipients=tuple(codec.read_recipient(row[5:]) for row in found),
    )
