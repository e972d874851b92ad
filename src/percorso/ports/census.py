"""The queue as a whole: what is wrong with it, for alerts and figures."""

from typing import Protocol

import msgspec


class Failing(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A domain whose mail waits because the last attempt met no secure transport."""

    domain: str
    failure: str  # a typed secure-transport failure
    recipients: int


class LostHost(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A configured host none of whose servers answered the last attempt."""

    name: str
    recipients: int


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """All shards of the node together."""

    queued: int = 0  # recipients
    oldest: float = 0.0
    """When the oldest queued message was accepted, unix seconds; 0 where none is queued."""
    parked: tuple[tuple[str, int], ...] = ()
    """By domain, notices and other mail of the null sender that failed for good and is held."""
    failing: tuple[Failing, ...] = ()
    lost_hosts: tuple[LostHost, ...] = ()


class QueueCensus(Protocol):
    """Counts the queue of the node, from any process."""

    def take(self) -> Census:
        """Blocks for as long as the store needs. Raises `StoreError`."""
        ...
