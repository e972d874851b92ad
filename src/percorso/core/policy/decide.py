"""The decision: what one recipient's delivery requires, and over which hops it goes."""

from percorso.core.policy.conclude import Found, conclude, other_units
from percorso.core.policy.decision import Decision
from percorso.core.policy.facts import Facts
from percorso.core.policy.settings import Settings


def decide(facts: Facts, settings: Settings) -> Decision:
    """What to do for this recipient in this attempt. Made afresh at every attempt."""
    unit = settings.units[settings.unit_of(facts.sender, facts.account)]
    own = unit.matching(facts)
    others = [rule for other in other_units(facts, settings, unit.path) for rule in other.matching(facts)]
    return conclude(facts, settings, Found(unit=unit, own=tuple(own), others=tuple(others)))
