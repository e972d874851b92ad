"""What came of an attempt at one target, and what becomes of each recipient."""

import enum

import msgspec

from percorso.core.mail.reply import Reply
from percorso.core.tls.result import SecureTransportFailure


class Status(enum.StrEnum):
    """What became of one recipient in one attempt."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """The connection was lost after the final dot: the peer may or may not have the message."""
    HELD = "held"
    """It failed for good and nobody can be told (the null sender): kept in the queue for an operator, never retried."""


class Unmet(msgspec.Struct, frozen=True, kw_only=True):
    """The target failed the requirement (or, opportunistically, the handshake); nothing was sent."""

    failure: SecureTransportFailure
    reconnect: bool = False
    """The connection is gone or unusable: an opportunistic delivery needs a new one in plaintext."""


class Unreachable(msgspec.Struct, frozen=True, kw_only=True):
    """No answer about the message: refused, timed out, dropped, or a reply to greeting or EHLO."""

    reply: Reply
    requirement_met: bool = False
    """The connection had met the requirement before it was lost: no reason to divert."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The server met the requirement and answered: one reply for each recipient, in their order."""

    replies: tuple[Reply, ...]
    offers_dsn: bool = False
    """The server has taken over what the sender asked to be told (RFC 3461, 5.2)."""


class Uncertain(msgspec.Struct, frozen=True, kw_only=True):
    """Lost after the final dot: the attempt ends here, no next MX and no alternate route."""

    detail: str


TargetOutcome = Unmet | Unreachable | Answered | Uncertain
