"""The queue as operators work on it: all shards of the node."""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Final

import apsw

from percorso.core.mail.address import Address, comparison_key, parse_address, parse_domain
from percorso.ports.queue import QueueEntry, QueueFilter, Relaxation, State, Waiting
from percorso.store import layout
from percorso.store.files import FILES, Files
from percorso.store.queue_id import id_number, queue_id
from percorso.store.spool import Spool
from percorso.store.sqlite import codec, desk_sql, kept
from percorso.store.sqlite.connection import Row, transaction
from percorso.store.sqlite.shard_reader import each_shard

_STATES: Final[tuple[State, ...]] = ("queued", "claimed", "held")  # by their number
_QUEUED: Final = 0
_HELD: Final = 2
_AT_ONCE: Final = 1000
"""Recipients of one transaction, so that the worker of the shard hardly waits."""
_LAST_ID: Final = 2**62

Bindings = dict[str, str | int | float | None]


class SqliteQueueDesk:
    """`QueueDesk` over the shards of a data directory, from any process, while workers write.

    Workers see a retry within 0.25 s. ValueError for a filter that no entry could match, such as "a b" for an address.
    """

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._data_dir = data_dir
        self._files = files

    def entries(self, which: QueueFilter, *, after: str = "", limit: int = 100) -> Iterator[QueueEntry]:
        """Entries ordered by id and number; `after` is the last one seen, as "ID/NUMBER"."""
        wanted = _bindings(which) | {"limit": limit}
        if after:
            message, number = _place(after)
            if (message, number) > (wanted["after"], wanted["after_number"]):
                wanted |= {"after": message, "after_number": number}
        with each_shard(self._data_dir, files=self._files) as shards:
            found = [_find(connection, desk_sql.ENTRIES, wanted) for _, connection in shards]
        for row in islice(merge(*found), limit):
            yield _entry(row)

    def count(self, which: QueueFilter) -> int:
        """How many entries match."""
        wanted = _bindings(which)
        with each_shard(self._data_dir, files=self._files) as shards:
            return sum(_find(connection, desk_sql.COUNT, wanted)[0][0] for _, connection in shards)

    def retry(self, which: QueueFilter, *, now: float) -> int:
        """Make matching queued entries due now; returns how many."""
        return self._update(which, _QUEUED, desk_sql.MAKE_DUE, now)

    def hold(self, which: QueueFilter) -> int:
        """Keep matching queued entries from being tried until they are released; returns how many."""
        return self._update(which, _QUEUED, desk_sql.HOLD)

    def release(self, which: QueueFilter, *, now: float) -> int:
        """Make matching held entries queued and due now; returns how many."""
        return self._update(which, _HELD, desk_sql.RELEASE, now)

    def required(self) -> Iterator[Waiting]:
        """Every message with the recipients, queued or held, that keep a requirement."""
        with each_shard(self._data_dir, files=self._files) as shards:
            for shard, connection in shards:
                yield from kept.required(connection, Spool(layout.spool_directory(shard), self._files))

    def relax(self, which: Sequence[Relaxation], *, now: float) -> int:
        """Have recipients keep the new requirement, and those queued due now; returns how many."""
        changed = 0
        with each_shard(self._data_dir, read_only=False, files=self._files) as shards:
            for _, connection in shards:
                for start in range(0, len(which), _AT_ONCE):
                    with transaction(connection):
                        changed += kept.relax(connection, which[start : start + _AT_ONCE], now)
        return changed

    def delete(self, which: QueueFilter) -> int:
        """Remove matching queued and held entries for good, and messages with their last one; returns how many."""
        deleted = 0
        for state in (_QUEUED, _HELD):
            for shard, connection, places in self._batches(which, state):
                with transaction(connection):
                    deleted += _changed(connection, desk_sql.DELETE, (), places)
                    spooled = _delete_messages(connection, {message for message, _ in places})
                for message in spooled:
                    (layout.spool_directory(shard) / queue_id(message)).unlink(missing_ok=True)
        return deleted

    def _update(self, which: QueueFilter, state: int, sql: str, *values: float) -> int:
        changed = 0
        for _, connection, places in self._batches(which, state):
            with transaction(connection):
                changed += _changed(connection, sql, values, places)
        return changed

    def _batches(self, which: QueueFilter, state: int) -> Iterator[tuple[Path, apsw.Connection, list[Row]]]:
        """The places of what matches in one state, shard by shard, so many that a worker hardly waits for them."""
        wanted = _bindings(which)
        if wanted["state"] not in (None, state):
            return
        with each_shard(self._data_dir, read_only=False, files=self._files) as shards:
            for shard, connection in shards:
                left = wanted | {"state": state, "limit": _AT_ONCE}
                while places := _find(connection, desk_sql.PLACES, left):
                    yield shard, connection, places
                    left["after"], left["after_number"] = places[-1]


def _changed(connection: apsw.Connection, sql: str, values: tuple[float, ...], places: list[Row]) -> int:
    changed = 0
    for place in places:
        connection.execute(sql, (*values, *place))
        changed += connection.changes()
    return changed


def _delete_messages(connection: apsw.Connection, messages: set[int]) -> list[int]:
    """Of the messages, remove those without recipients; returns those whose content is in the spool."""
    found = [(message, connection.execute(desk_sql.DELETE_MESSAGE, (message,)).fetchall()) for message in messages]
    return [message for message, rows in found if rows and rows[0][0]]


def _find(connection: apsw.Connection, sql: str, wanted: Bindings) -> list[Row]:
    connection.create_scalar_function("casefold", lambda *texts: str(texts[0]).casefold(), 1, deterministic=True)
    return connection.execute(sql, wanted).fetchall()


def _bindings(which: QueueFilter) -> Bindings:
    local, domain = _split(which.recipient)
    sender_local, sender_domain = _split(which.sender)
    wanted: Bindings = {"after": -1, "after_number": -1, "last": _LAST_ID}
    if which.id:
        wanted |= _only(which.id)
    return wanted | {
        "state": _STATES.index(_state(which.state)) if which.state else None,
        "failure": which.failure or None,
        "domain": domain,
        "local": local,
        "sender": f"{sender_local}@{sender_domain}" if sender_local else None,
        "sender_domain": f"@{sender_domain}" if sender_domain and not sender_local else None,
    }


def _only(message_id: str) -> Bindings:
    """The range of one message; an empty one where the text is no id."""
    try:
        number = id_number(message_id)
    except ValueError:
        return {"last": -1}
    return {"after": number, "after_number": -1, "last": number}


def _state(text: str) -> State:
    for state in _STATES:
        if state == text:
            return state
    raise ValueError(f"{text!r} is no state of the queue; use {', '.join(_STATES)}")


def _split(text: str) -> tuple[str | None, str | None]:
    """Local part and domain of a filter's address or domain, as they compare."""
    if not text:
        return None, None
    if "@" not in text:
        return None, parse_domain(text)
    local, _, domain = comparison_key(parse_address(text)).rpartition("@")
    return local, domain


def _place(after: str) -> tuple[int, int]:
    message, _, number = after.partition("/")
    try:
        return id_number(message), int(number)
    except ValueError:
        raise ValueError(f"{after!r} is no place in the queue; write it as ID/NUMBER") from None


def _entry(row: Row) -> QueueEntry:
    message, number, meta, local, domain, state, size, accepted_at, attempts, next_attempt, kept, reply, failure = row
    return QueueEntry(
        id=queue_id(message),
        number=number,
        sender=str(codec.glance_at_envelope(meta).sender or ""),
        recipient=str(Address(local=local, domain=domain)),
        state=_STATES[state],
        size=size,
        accepted_at=accepted_at,
        attempts=attempts,
        next_attempt=next_attempt,
        requirement=codec.glance_at_requirement(kept),
        last_reply=reply,
        last_failure=failure,
    )
