"""The plan of one attempt: which targets, in which order, and what each outcome leads to.

1. Every target of a hop is tried until one answers about the message.
2. The alternate secure route (the second leg) is taken in the same attempt when at least one
   target of the first failed with a typed secure-transport failure and none met the requirement.
3. Unreachable targets neither cause nor prevent that; an answer from a target that met the
   requirement is the outcome.
4. `Uncertain` ends the attempt.
5. Opportunistic mail goes on in plaintext at the same target.
"""

import msgspec

from percorso.core.delivery.outcome import Status, TargetOutcome
from percorso.core.hosts.host import Target
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Hop
from percorso.core.tls.result import SecureTransportFailure


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A hop with its targets in the order to try. Where there is none, `refusal` says why."""

    hop: Hop
    targets: tuple[Target, ...] = ()
    refusal: Reply | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Try this target next, with STARTTLS, or without where opportunistic TLS just failed there."""

    leg: int
    target: Target
    tls: bool = True


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt is over: for each recipient its status and the reply that stands for it."""

    results: tuple[tuple[Status, Reply], ...]
    failure: SecureTransportFailure | None = None
    """The typed failure, where that is why the recipients are not delivered."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that was made, with what came of it."""

    attempt: Attempt
    outcome: TargetOutcome


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The legs, the number of recipients that travel together, and what was tried so far."""

    legs: tuple[Leg, ...]
    recipients: int
    tried: tuple[Tried, ...] = ()
