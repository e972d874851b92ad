"""Single values: domains, addresses, networks, spans of time, pins, files, and limits."""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from percorso.core.mail.address import BadAddress, domain_keys, parse_domain, parse_entry
from percorso.core.settings.duration import seconds
from percorso.core.settings.pin import parse_pin
from percorso.core.settings.problem import Path, Problem
from percorso.core.settings.rate import parse_rate
from percorso.core.settings.schema import Account, Document, Host, RoutingRule, TlsCompliance


def check_values(document: Document) -> Iterator[Problem]:
    """Values that cannot be what their key says."""
    yield from _organization(document)
    for index, unit in enumerate(document.unit):
        yield from _entries(("unit", index, "senders"), f'unit "{unit.path}"', unit.senders)
    for index, table in enumerate(document.address_list):
        yield from _entries(("address_list", index, "entries"), f'address_list "{table.name}"', table.entries)
        if table.entries and table.entries_file:
            message = f'address_list "{table.name}": entries and entries_file are both given'
            yield Problem(path=("address_list", index, "entries_file"), message=message, mend="leave one of them out")
    for index, host in enumerate(document.host):
        yield from _host(("host", index), host)
    for index, setting in enumerate(document.tls_compliance):
        yield from _compliance(("tls_compliance", index), setting)
    for index, account in enumerate(document.account):
        yield from _account(("account", index), account, document.organization.domains)
    for index, rule in enumerate(document.routing_rule):
        yield from _rule(("routing_rule", index, "match"), rule)


def _organization(document: Document) -> Iterator[Problem]:
    organization = document.organization
    if not organization.domains and document != Document():
        message = "organization: domains is empty, so that no mail is accepted"
        yield Problem(path=("organization", "domains"), message=message, mend='list its domains, such as ["corp.test"]')
    for place, domain in enumerate(organization.domains):
        yield from _parsed(("organization", "domains", place), "organization", _domain_or_subdomains, domain)
    for key in ("secure_warning", "secure_expiry", "expiry"):
        yield from _parsed(("organization", key), f"organization: {key}", seconds, getattr(organization, key))


def _host(path: Path, host: Host) -> Iterator[Problem]:
    where = f'host "{host.name}"'
    yield from _identity(path, where, host)
    for place, network in enumerate(host.networks):
        yield from _parsed((*path, "networks", place), where, _network, network)


def _compliance(path: Path, setting: TlsCompliance) -> Iterator[Problem]:
    where = f'tls_compliance "{setting.name}"'
    yield from _identity(path, where, setting)
    for place, name in enumerate(setting.match):
        yield from _parsed((*path, "match", place), where, parse_domain, name)
    if setting.lists and setting.all:
        message = f"{where}: lists and all are both given"
        yield Problem(path=(*path, "all"), message=message, mend="name the lists, or apply it to all messages")
    if not (setting.lists or setting.all):
        message = f"{where}: it has neither lists nor all = true, so that it applies to nothing"
        yield Problem(path=path, message=message, mend="name its address lists, or set all = true")


def _identity(path: Path, where: str, table: Host | TlsCompliance) -> Iterator[Problem]:
    for place, pin in enumerate(table.pin):
        yield from _parsed((*path, "pin", place), where, parse_pin, pin)
    if table.ca_file and not table.ca_file.startswith("/"):
        message = f'{where}: ca_file "{table.ca_file}" is no absolute path'
        yield Problem(path=(*path, "ca_file"), message=message, mend='begin it with "/": it is read on every node')


def _rule(path: Path, rule: RoutingRule) -> Iterator[Problem]:
    where, match = f'routing_rule "{rule.name}"', rule.match
    for key, entry in (("sender", match.sender), ("recipient", match.recipient)):
        if entry:
            yield from _parsed((*path, key), f"{where}: {key}", parse_entry, entry)
    if bool(match.header) != bool(match.contains):
        message = f"{where}: header and contains go together"
        yield Problem(path=path, message=message, mend='give both, such as header = "Subject", contains = "[secure]"')
    # RFC 5322, 3.6.8: a field name is printable US-ASCII without the colon.
    if match.header and not all("!" <= sign <= "~" and sign != ":" for sign in match.header):
        message = f"{where}: {match.header!r} is no name of a header field"
        yield Problem(path=(*path, "header"), message=message, mend='write it without the colon, such as "Subject"')
    if not (match.header or match.sender or match.recipient or match.list or match.larger_than):
        message = f"{where}: match has no condition"
        mend = "give header and contains, sender, recipient, list or larger_than"
        yield Problem(path=path, message=message, mend=mend)


def _account(path: Path, account: Account, domains: Sequence[str]) -> Iterator[Problem]:
    where = f'account "{account.name}"'
    if not account.addresses:
        message = f"{where}: addresses is empty, so that it can send nothing"
        yield Problem(path=(*path, "addresses"), message=message, mend='list its senders, such as ["scan@corp.test"]')
    yield from _entries((*path, "addresses"), where, account.addresses)
    for place, entry in enumerate(account.addresses):
        if "@" not in entry and not _is_within(entry, domains):
            message = f"{where}: {entry[:80]!r} is no domain of the organization"
            mend = "list addresses of it one by one, or add it to the organization's domains"
            yield Problem(path=(*path, "addresses", place), message=message, mend=mend)
    if account.rate:
        yield from _parsed((*path, "rate"), where, parse_rate, account.rate)


def _is_within(entry: str, domains: Sequence[str]) -> bool:
    """Whether all that the entry (a domain, or subdomains) matches is the organization's."""
    try:
        own = {parse_entry(domain) for domain in domains}
        return not own.isdisjoint(domain_keys(parse_entry(entry)))
    except BadAddress:
        return True  # told as what it is


def _entries(path: Path, where: str, entries: Sequence[str]) -> Iterator[Problem]:
    for place, entry in enumerate(entries):
        yield from _parsed((*path, place), where, parse_entry, entry)


def _parsed(path: Path, where: str, parse: Callable[[str], object], text: str) -> Iterator[Problem]:
    try:
        parse(text)
    except ValueError as error:
        message, semicolon, mend = str(error).rpartition("; ")
        if not semicolon:
            message, mend = mend, _LIKE.get(parse, 'write it like "bank.test"')
        yield Problem(path=path, message=f"{where}: {message}", mend=mend)


def _domain_or_subdomains(text: str) -> str:
    return parse_domain(text.removeprefix("."))


def _network(text: str) -> object:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        mend = 'write an address or a network, such as "192.0.2.0/24", without host bits'
        raise ValueError(f"{text!r} is no network; {mend}") from None


_LIKE: Final[dict[Callable[[str], object], str]] = {
    parse_entry: 'write "bank.test", ".bank.test" for its subdomains, or an address',
    _domain_or_subdomains: 'write "corp.test", or ".corp.test" for its subdomains',
}
