"""The decision: what one recipient's delivery requires, and over which hops it goes."""

from percorso.core.policy.decision import Decision
from percorso.core.policy.facts import Facts
from percorso.core.policy.settings import Settings


def decide(facts: Facts, settings: Settings) -> Decision:
    """What to do for this recipient in this attempt. Made afresh at every attempt."""
    raise NotImplementedError
