"""When a condition is told: once when it is there, once a day while it lasts, and once when it is gone.

1. A condition is gone when it was not seen for ten minutes, so that one that comes and goes is told once.
2. What could not be looked at is neither there nor gone.
"""

import enum
from collections.abc import Collection
from typing import Final

import msgspec

from percorso.core.alerts.condition import DAY, Condition, Kind

QUIET: Final = 600.0  # seconds
REMINDER: Final = DAY


class Change(enum.StrEnum):
    """Why an alert is told now. Stable names."""

    RAISED = "raised"
    REMINDER = "reminder"
    RECOVERED = "recovered"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell."""

    change: Change
    condition: Condition
    since: float  # unix seconds


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that was told and is not gone."""

    condition: Condition
    since: float
    told: float
    seen: float


State = tuple[Raised, ...]


def step(
    state: State, found: Collection[Condition], now: float, *, unknown: Collection[Kind] = ()
) -> tuple[State, tuple[Alert, ...]]:
    """The next state, and what to tell. `unknown` are the kinds that could not be looked at."""
    current = {condition.key: condition for condition in found}
    kept: list[Raised] = []
    alerts: list[Alert] = []
    for earlier in state:
        condition = current.pop(earlier.condition.key, None)
        if condition is not None:
            change, raised = _still(earlier, condition, now)
        else:
            change, raised = _gone(earlier, now, unknown), earlier
        if change is not None:
            alerts.append(Alert(change=change, condition=raised.condition, since=raised.since))
        if change is not Change.RECOVERED:
            kept.append(raised)
    for condition in current.values():
        kept.append(Raised(condition=condition, since=now, told=now, seen=now))
        alerts.append(Alert(change=Change.RAISED, condition=condition, since=now))
    return tuple(kept), tuple(alerts)


def _still(raised: Raised, condition: Condition, now: float) -> tuple[Change | None, Raised]:
    due = now - raised.told >= REMINDER
    told = now if due else raised.told
    later = Raised(condition=condition, since=raised.since, told=told, seen=now)
    return (Change.REMINDER if due else None), later


def _gone(raised: Raised, now: float, unknown: Collection[Kind]) -> Change | None:
    known = raised.condition.kind not in unknown
    return Change.RECOVERED if known and now - raised.seen >= QUIET else None
