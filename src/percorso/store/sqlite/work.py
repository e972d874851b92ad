"""What the event loop hands to a shard's store thread, and what comes back after a commit."""

from collections.abc import Callable

import msgspec

from percorso.ports.queue import Claim, NewMessage, Settlement, StoreError


class Accept(msgspec.Struct, kw_only=True):
    """Keep a message; with `claim`, claim all its recipients in the same commit."""

    message: NewMessage
    done: Callable[[StoreError | None], None]
    claim: bool


class Settle(msgspec.Struct, kw_only=True):
    """End an attempt; with `claim`, claim the notices that it brings."""

    settlement: Settlement
    done: Callable[[], None]
    claim: bool


class Release(msgspec.Struct, kw_only=True):
    """Give claimed recipients back: due at `due`."""

    message_id: str
    numbers: tuple[int, ...]
    due: float


class Seek(msgspec.Struct, kw_only=True):
    """Claim recipients that are due, of at most `limit` messages."""

    limit: int


class DecideAgain(msgspec.Struct, kw_only=True):
    """Make due the next `limit` recipients that a change of settings may concern, from a place on."""

    after: tuple[int, int]
    limit: int


class Stop(msgspec.Struct, kw_only=True):
    """Finish what waits, and end."""


Work = Accept | Settle | Release | Seek | DecideAgain | Stop


class Outcome(msgspec.Struct, kw_only=True):
    """What a commit did, for the event loop."""

    accepted: list[Accept] = msgspec.field(default_factory=list)
    refused: list[tuple[Accept, StoreError]] = msgspec.field(default_factory=list)
    settled: list[Settle] = msgspec.field(default_factory=list)
    claims: list[Claim] = msgspec.field(default_factory=list)
    sought: int = 0
    """The limit of the `Seek`s that ended."""
    decided_again: tuple[int, int] | None = None
    """Where `DecideAgain` is to go on; None where it came to the end."""
    next_due: float | None = None
    """When the next queued recipient is due; None where none is queued."""
    empty: bool = False
    """Nothing is left in the shard's queue; told only where it was asked for."""
    stopped: bool = False
    work: int = 0
    """How much was done in one commit."""
    seconds: float = 0.0
    """What the commit took."""
