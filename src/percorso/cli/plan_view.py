"""A plan as an operator reads it before agreeing to it."""

import json
from collections.abc import Iterator
from typing import Any, Final

from percorso.cli.output import say
from percorso.core.settings.diff import Change, FieldChange
from percorso.core.settings.problem import title
from percorso.operations.settings import Plan

_SIGNS: Final = {"create": ("+", "green"), "change": ("~", "yellow"), "delete": ("-", "red")}
_MOST: Final = 10
"""Entries of a list that are shown; the rest is counted."""


def show_plan(plan: Plan) -> None:
    """Every table that changes, with its keys."""
    if not plan.changes:
        say(f"nothing to change: version {plan.newest} says the same")
        return
    for change in plan.changes:
        sign, style = _SIGNS[change.action]
        say(f"{sign} {_name(change)}", style)
        for line in _lines(change):
            say(f"    {line}")
    counts = [(sum(change.action == action for change in plan.changes), action) for action in _SIGNS]
    say(f"against version {plan.newest}: " + ", ".join(f"{count} to {action}" for count, action in counts if count))


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    return {"base": plan.base, "newest": plan.newest, "conflict": plan.conflict, "changes": plan.changes}


def _name(change: Change) -> str:
    if change.noun == "organization":
        return change.noun
    named = title(change.noun, change.name)
    return named if change.unit in {"/", change.name} else f'{named} of unit "{change.unit}"'


def _lines(change: Change) -> Iterator[str]:
    if change.action == "delete":
        return
    for field in change.fields:
        if field.entries:
            yield from _entries(field)
        elif change.action == "create":
            yield f"{field.field} = {_value(field.new)}"
        else:
            yield f"{field.field}: {_value(field.old)} → {_value(field.new)}"


def _entries(field: FieldChange) -> Iterator[str]:
    for sign, entries in (("-", field.old), ("+", field.new)):
        if entries:
            more = f" and {len(entries) - _MOST:,} more" if len(entries) > _MOST else ""
            yield f"{field.field}: {sign} {', '.join(entries[:_MOST])}{more}"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
