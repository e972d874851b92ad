"""How settings come down the tree of organizational units.

1. Settings of a unit and of all units above it are in force, and add up.
2. A setting that `overrides` an inherited one takes its place in its own unit and below.
3. The alternate secure route is one: the nearest unit's, enabled or not.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from percorso.core.settings.schema import AlternateSecureRoute, Document


class Inherited(Protocol):
    """A setting that units below inherit."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def unit(self) -> str:
        """The unit that it is set for."""
        ...

    @property
    def overrides(self) -> str:
        """The inherited setting that it replaces, or empty."""
        ...


S = TypeVar("S", bound=Inherited)


def lineage(path: str) -> tuple[str, ...]:
    """The unit and those above it, from the root down: "/A/B" gives "/", "/A", "/A/B"."""
    steps = [step for step in path.split("/") if step]
    return ("/", *("/" + "/".join(steps[:count]) for count in range(1, len(steps) + 1)))


def in_force(settings: Sequence[S], unit: str) -> tuple[S, ...]:
    """The settings in force for the unit, from the root down."""
    found: list[S] = []
    for path in lineage(unit):
        own = [setting for setting in settings if setting.unit == path]
        replaced = {setting.overrides for setting in own}
        found = [setting for setting in found if setting.name not in replaced] + own
    return tuple(found)


def route_of(routes: Iterable[AlternateSecureRoute], unit: str) -> AlternateSecureRoute | None:
    """The nearest route, own or inherited; it may be one that is switched off."""
    by_unit = {route.unit: route for route in routes}
    return next((by_unit[path] for path in reversed(lineage(unit)) if path in by_unit), None)


def units_of(document: Document) -> tuple[str, ...]:
    """Every unit that is declared or implied, the root first."""
    paths = {step for unit in document.unit for step in lineage(unit.path)}
    return tuple(sorted(paths | {"/"}))
