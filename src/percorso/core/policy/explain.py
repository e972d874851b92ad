"""The decision with everything that was looked at on the way to it."""

import msgspec

from percorso.core.policy.decision import Decision
from percorso.core.policy.facts import Facts
from percorso.core.policy.settings import Settings


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    subject: str
    """A setting's id, or "unit", "header-from", "requiretls", "kept", "mta-sts", "dane", "route", …"""
    matched: bool
    """Whether it had a part in the decision."""
    why: str


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The way to a decision, step by step."""

    steps: tuple[Step, ...]
    decision: Decision


def explain(facts: Facts, settings: Settings) -> Trace:
    """The same decision that `decide` makes, found by looking at every rule in turn, and why."""
    raise NotImplementedError
