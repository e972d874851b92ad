"""The plan of one attempt: which targets, in which order, and what was tried so far.

A plan never changes: `after` gives the next one, and `next_step.next_step` reads from a plan what to do. So delivery is

    while isinstance(step := next_step(plan), Attempt):
        plan = plan.after(step, await the_outcome_of(step))
    settle(step)
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
    server: str = ""
    """The name of the server whose failure or reply this is; empty where there was none."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that was made, with what came of it."""

    attempt: Attempt
    outcome: TargetOutcome


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The legs, the number of recipients that travel together, and what was tried so far."""

    legs: tuple[Leg, ...]
    recipients: int
    tried: tuple[Tried, ...] = ()

    def after(self, attempt: Attempt, outcome: TargetOutcome) -> "Plan":
        """The plan once this attempt has come to this outcome."""
        return msgspec.structs.replace(self, tried=(*self.tried, Tried(attempt=attempt, outcome=outcome)))
