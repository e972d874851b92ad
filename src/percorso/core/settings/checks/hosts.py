"""Hosts and the routes over them: servers, ports, load shares, and nothing weaker than what leads there."""

import ipaddress
from collections.abc import Iterator

from percorso.core.mail.address import BadAddress, parse_domain
from percorso.core.settings.inheritance import in_force, route_of, units_of
from percorso.core.settings.problem import Path, Problem, title
from percorso.core.settings.schema import Document, Host, Server, TlsCompliance
from percorso.core.tls.requirement import TlsVersion


def check_hosts(document: Document) -> Iterator[Problem]:
    """Hosts that cannot work, routes without a host, and hosts weaker than a setting that can reach them."""
    for index, host in enumerate(document.host):
        yield from _host(("host", index), host)
    for index, route in enumerate(document.alternate_secure_route):
        if route.enabled and not route.host:
            message = f"{title('alternate_secure_route', route.unit)}: it has no host"
            yield Problem(
                path=("alternate_secure_route", index), message=message, mend="name one, or set enabled = false"
            )
    yield from _strength(document)


def _host(path: Path, host: Host) -> Iterator[Problem]:
    where = title("host", host.name)
    if not host.primary:
        message = f"{where}: primary has no server"
        yield Problem(path=(*path, "primary"), message=message, mend='add one: primary = [{ address = "gw.example" }]')
    if host.returns and not host.networks:
        message = f"{where}: returns says what comes back from it, but nothing tells that mail comes from it"
        yield Problem(path=(*path, "returns"), message=message, mend="add networks = [its addresses and nothing else]")
    yield from _login(path, where, host)
    for key, plural in (("primary", "primaries"), ("secondary", "secondaries")):
        servers: tuple[Server, ...] = getattr(host, key)
        for place, server in enumerate(servers):
            yield from _server((*path, key, place), where, server, implicit=host.tls == "implicit")
            if host.mx_lookup and _is_ip(server.address):
                message = f"{where}: {server.address} is an IP address, which has no MX records"
                mend = "name a domain, or leave mx_lookup out"
                yield Problem(path=(*path, key, place, "address"), message=message, mend=mend)
        total = sum(server.load for server in servers)
        if servers and total != 100:
            message = f"{where}: loads of the {plural} add up to {total}"
            yield Problem(path=(*path, key), message=message, mend="make them 100")


def _login(path: Path, where: str, host: Host) -> Iterator[Problem]:
    if bool(host.username) != bool(host.password_secret):
        given, missing = ("username", "password_secret") if host.username else ("password_secret", "username")
        message = f"{where}: {given} is given without {missing}"
        yield Problem(path=(*path, given), message=message, mend=f"add {missing}, or leave both out")
    if host.username and not host.require_tls:
        message = f"{where}: it wants a password, which goes over TLS only, but require_tls is false"
        yield Problem(path=(*path, "require_tls"), message=message, mend="set require_tls = true")


def _server(path: Path, where: str, server: Server, *, implicit: bool) -> Iterator[Problem]:
    if not _is_server(server.address):
        message = f"{where}: {server.address[:80]!r} is neither a host name nor an IP address"
        yield Problem(path=(*path, "address"), message=message, mend='write it like "gw1.example" or "192.0.2.1"')
    if server.port == 465 and not implicit:
        message = f"{where}: port 465 speaks TLS from the first byte"
        yield Problem(path=(*path, "port"), message=message, mend='set tls = "implicit", or use port 25 or 587')
    elif server.port not in {25, 465, 587} and not 1024 <= server.port <= 65535:
        message = f"{where}: port {server.port} is not for mail"
        yield Problem(path=(*path, "port"), message=message, mend="use 25, 587, 465 or 1024 to 65535")
    if not 1 <= server.load <= 100:
        message = f"{where}: a load of {server.load} is no share"
        yield Problem(path=(*path, "load"), message=message, mend="use 1 to 100, or leave the server out")


def _is_server(address: str) -> bool:
    if _is_ip(address):
        return True
    try:
        parse_domain(address)
    except BadAddress:
        return False
    return True


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _strength(document: Document) -> Iterator[Problem]:
    """A host must ask what each compliance setting asks whose mail the route of its unit brings there."""
    hosts = {host.name: (index, host) for index, host in enumerate(document.host)}
    told: set[tuple[str, str, str]] = set()
    for unit in units_of(document):
        route = route_of(document.alternate_secure_route, unit)
        if not route or not route.enabled or route.host not in hosts:
            continue
        index, host = hosts[route.host]
        for key, problem in _weaknesses(document, host, index, unit):
            if key not in told:
                told.add(key)
                yield problem


def _weaknesses(
    document: Document, host: Host, index: int, unit: str
) -> Iterator[tuple[tuple[str, str, str], Problem]]:
    where = title("host", host.name)
    if not host.require_tls:
        message = f"{where}: it is an alternate secure route, but require_tls is false"
        problem = Problem(path=("host", index, "require_tls"), message=message, mend="set require_tls = true")
        yield (host.name, "", "require_tls"), problem
    for setting in in_force(document.tls_compliance, unit):
        if setting.applies_to == "inbound":
            continue
        for key, value in _asked_and_missing(document, setting, host):
            message = f'{where}: {key} is weaker than tls_compliance "{setting.name}", whose mail can reach it'
            problem = Problem(path=("host", index, key), message=message, mend=f"set {key} = {value}")
            yield (host.name, setting.name, key), problem


def _asked_and_missing(document: Document, setting: TlsCompliance, host: Host) -> Iterator[tuple[str, str]]:
    own_proof = bool(host.pin or host.ca_file)  # stands in for CA and name
    for key in ("require_ca", "validate_hostname"):
        if getattr(setting, key) and not getattr(host, key) and not own_proof:
            yield key, "true"
    floor = document.organization.min_tls
    asked = max(setting.min_tls, floor, key=TlsVersion.parse)
    given = max(host.min_tls, floor, key=TlsVersion.parse)
    if TlsVersion.parse(given) < TlsVersion.parse(asked):
        yield "min_tls", f'"{asked}"'
