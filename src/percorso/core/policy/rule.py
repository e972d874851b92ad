"""A rule: conditions, and what secure transport it requires where they hold."""

import enum

import msgspec

from percorso.core.policy.condition import Condition
from percorso.core.policy.facts import Facts
from percorso.core.tls.requirement import Requirement


class Cause(enum.Enum):
    """What kind of setting a rule comes from."""

    COMPLIANCE = enum.auto()
    """A TLS compliance setting for outbound mail."""
    ELSEWHERE = enum.auto()
    """One that adds its checks to what a routing rule or the sender requires, and requires nothing by itself."""
    ROUTING = enum.auto()
    """A routing rule that requires secure transport."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that can require secure transport."""

    id: str  # such as "tls_compliance/Partners need TLS"
    position: int  # in the document, for a stable order
    unit: str  # that it is set for
    cause: Cause
    conditions: tuple[Condition, ...] = ()
    """All must hold; none holds always."""
    requirement: Requirement

    def matches(self, facts: Facts) -> bool:
        """Whether its conditions hold."""
        return all(condition.holds(facts) for condition in self.conditions)

    @property
    def lists_tls_enabled(self) -> bool:
        """Whether it matches by an address list, which says of its recipients that they have TLS."""
        return self.cause is Cause.COMPLIANCE and bool(self.conditions)
