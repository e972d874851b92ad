"""Everything that is wrong with a settings document, at once."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from percorso.core.settings.checks.alerts import check_alerts
from percorso.core.settings.checks.available import check_available
from percorso.core.settings.checks.dkim import check_dkim
from percorso.core.settings.checks.hosts import check_hosts
from percorso.core.settings.checks.names import check_names
from percorso.core.settings.checks.values import check_values
from percorso.core.settings.problem import Path, Problem
from percorso.core.settings.schema import Document
from percorso.core.settings.shape import shape

_CHECKS = (check_values, check_names, check_hosts, check_alerts, check_dkim, check_available)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The document, where nothing is wrong with it, else the problems."""

    document: Document | None
    problems: tuple[Problem, ...] = ()


def validate(document: Document) -> tuple[Problem, ...]:
    """What makes no sense in a document of the right shape; empty where it can be applied."""
    return tuple(problem for check in _CHECKS for problem in check(document))


def check_tables(tables: Mapping[str, Any]) -> Checked:
    """Check tables as they were read: their shape, and what the rest means."""
    if "base" in tables:  # a number was taken out by `parse`
        problem = Problem(
            path=("base",), message=f"base is {tables['base']!r}", mend="write the number of a version, or leave it out"
        )
        rest = check_tables({key: table for key, table in tables.items() if key != "base"})
        return Checked(document=None, problems=(problem, *rest.problems))
    shaped = shape(tables)
    if not shaped.document:
        return Checked(document=None, problems=shaped.problems)
    problems = together(shaped.problems, validate(shaped.document))
    return Checked(document=None if problems else shaped.document, problems=problems)


def together(shape_problems: tuple[Problem, ...], sense_problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Both, without what is said of a table with a wrong key: it may only follow from that."""
    misshapen = {_table(problem.path) for problem in shape_problems}
    return (*shape_problems, *(problem for problem in sense_problems if _table(problem.path) not in misshapen))


def _table(path: Path) -> Path:
    return path[:2] if len(path) > 1 and isinstance(path[1], int) else path[:1]
