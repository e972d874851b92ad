"""Names: each is given once, and what refers to a name finds it."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from percorso.core.mail.address import BadAddress, parse_entry
from percorso.core.settings.inheritance import Inherited, in_force, lineage, units_of
from percorso.core.settings.problem import Problem, title
from percorso.core.settings.schema import NAMED_BY, Document

_NAMED: Final = ("host", "address_list", "tls_compliance", "routing_rule", "account")
_IN_A_UNIT: Final = ("tls_compliance", "routing_rule", "alternate_secure_route", "account")
_UNIT: Final = re.compile(r"/|(?:/[^/\s\x00-\x1f\x7f](?:[^/\x00-\x1f\x7f]*[^/\s\x00-\x1f\x7f])?)+")
_NAME: Final = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")


def check_names(document: Document) -> Iterator[Problem]:
    """Names that are empty, given twice, or refer to nothing."""
    for noun in _NAMED:
        yield from _names(document, noun)
    yield from _unit_paths(document)
    yield from _senders(document)
    yield from _units_meant(document)
    yield from _references(document)
    yield from _overrides("tls_compliance", document.tls_compliance)
    yield from _overrides("routing_rule", document.routing_rule)


def _names(document: Document, noun: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, table in enumerate(getattr(document, noun)):
        path = (noun, index, "name")
        if not _NAME.fullmatch(table.name):
            message = f"{noun}: {table.name!r} is no name"
            yield Problem(path=path, message=message, mend="give one without spaces around it or control characters")
        elif table.name in seen:
            message = f'{noun} "{table.name}" is given twice'
            yield Problem(path=path, message=message, mend="rename one of them or put them together")
        seen.add(table.name)


def _unit_paths(document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, unit in enumerate(document.unit):
        path = ("unit", index, "path")
        if not _UNIT.fullmatch(unit.path):
            mend = 'write "/", or names that each follow a "/", such as "/Finance/Payroll"'
            yield Problem(path=path, message=f'unit "{unit.path}": this is no path', mend=mend)
        elif unit.path in seen:
            message = f'unit "{unit.path}" is given twice'
            yield Problem(path=path, message=message, mend="put them together in one table")
        seen.add(unit.path)


def _senders(document: Document) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for index, unit in enumerate(document.unit):
        for place, sender in enumerate(unit.senders):
            try:
                key = parse_entry(sender)
            except BadAddress:
                continue  # told by the checks of values
            other = owner.setdefault(key, unit.path)
            if other != unit.path:
                message = f'unit "{unit.path}": sender "{sender}" is also in unit "{other}"'
                mend = "leave it in one of them, because a sender has one unit"
                yield Problem(path=("unit", index, "senders", place), message=message, mend=mend)


def _units_meant(document: Document) -> Iterator[Problem]:
    known = set(units_of(document))
    for noun in _IN_A_UNIT:
        for index, table in enumerate(getattr(document, noun)):
            if table.unit not in known:
                message = f"{_named(noun, table)}: there is no unit {_quoted(table.unit)}"
                mend = f"add a [[unit]] with that path, or use one of: {_choice(known)}"
                yield Problem(path=(noun, index, "unit"), message=message, mend=mend)
    seen: set[str] = set()
    for index, route in enumerate(document.alternate_secure_route):
        if route.unit in seen:
            message = f"{title('alternate_secure_route', route.unit)} is given twice"
            yield Problem(path=("alternate_secure_route", index), message=message, mend="leave one for each unit")
        seen.add(route.unit)


def _references(document: Document) -> Iterator[Problem]:
    lists = {table.name for table in document.address_list}
    hosts = {table.name for table in document.host}
    for index, setting in enumerate(document.tls_compliance):
        for place, name in enumerate(setting.lists):
            if name not in lists:
                yield _unknown(
                    ("tls_compliance", index, "lists", place), title("tls_compliance", setting.name), name, lists
                )
    for index, rule in enumerate(document.routing_rule):
        if rule.match.list and rule.match.list not in lists:
            path = ("routing_rule", index, "match", "list")
            yield _unknown(path, title("routing_rule", rule.name), rule.match.list, lists)
    for index, route in enumerate(document.alternate_secure_route):
        if route.host and route.host not in hosts:
            where = title("alternate_secure_route", route.unit)
            yield _unknown(("alternate_secure_route", index, "host"), where, route.host, hosts, "host")
    inbound = document.organization.inbound_host
    if inbound and inbound not in hosts:
        yield _unknown(("organization", "inbound_host"), "organization", inbound, hosts, "host")


def _overrides(noun: str, settings: Sequence[Inherited]) -> Iterator[Problem]:
    for index, setting in enumerate(settings):
        if not setting.overrides:
            continue
        above = lineage(setting.unit)[:-1]
        inherited = {other.name for other in in_force(settings, above[-1])} if above else set()
        if setting.overrides not in inherited:
            what = f'overrides "{setting.overrides}", which unit "{setting.unit}" does not inherit'
            mend = f"name one of: {_choice(inherited)}" if inherited else "leave the key out; it inherits none"
            yield Problem(path=(noun, index, "overrides"), message=f'{noun} "{setting.name}": {what}', mend=mend)


def _unknown(
    path: tuple[str | int, ...], where: str, name: str, known: set[str], noun: str = "address_list"
) -> Problem:
    mend = f"add [[{noun}]] with that name" + (f", or use one of: {_choice(known)}" if known else "")
    return Problem(path=path, message=f"{where}: there is no {noun} {_quoted(name)}", mend=mend)


def _named(noun: str, table: object) -> str:
    return title(noun, getattr(table, NAMED_BY.get(noun, "name")))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _choice(names: set[str]) -> str:
    shown = [_quoted(name) for name in sorted(names)[:8]]
    return ", ".join([*shown, "…"] if len(names) > len(shown) else shown)
