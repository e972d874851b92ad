"""What differs between nodes about delivery, as the composition root hands it in."""

from collections.abc import Callable, Mapping

import msgspec

from percorso.core.settings.rate import Rate


def no_secrets(name: str) -> bytes:
    """The secrets of a node that has none."""
    raise LookupError(f"there is no secret {name!r} on this node")


class DeliveryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Names, limits and time-outs. Times are in seconds."""

    node: str
    """The node's name, as the evidence shows it."""
    hello_name: str
    """What EHLO says, and who reports failures: a domain name."""
    concurrency: int = 20
    """Connections to one destination at once, once it has shown that it takes so many."""
    rates: Mapping[str, Rate] = msgspec.field(default_factory=dict)
    """Messages in a span of time, by recipient domain, "host NAME", or "*" for every other domain."""
    max_claims: int = 2000
    """Claims in hand at once."""
    max_bytes: int = 64 * 1024 * 1024
    """Octets of messages in hand at once, roughly."""
    connect_timeout: float = 30.0
    tls_timeout: float = 60.0
    """For one handshake."""
    max_reply_wait: float = 600.0
    """A ceiling on the times that RFC 5321, 4.5.3.2 gives a peer for each reply."""
    idle_timeout: float = 30.0
    """How long a connection is kept for the next message."""
    max_messages: int = 100
    """Messages over one connection."""
    max_idle: int = 1000
    """Connections kept for the next message, of all destinations."""
    linger: float = 5.0
    """How long a worker without work waits for some."""
    secret: Callable[[str], bytes] = no_secrets
    """A named secret of this node: the passwords that hosts want of us. LookupError where it is not there."""
