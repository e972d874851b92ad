"""What makes no sense in a configuration of the right shape."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from percorso.config.rates import outbound_rates
from percorso.config.schema import Configuration, Listener
from percorso.core.mail.address import BadAddress, parse_domain
from percorso.core.settings.problem import Path as KeyPath
from percorso.core.settings.problem import Problem

_LEAST_RETENTION: Final = 86_400.0
"""Seconds: what is cut off sooner was hardly seen by anybody."""


def check(configuration: Configuration) -> Iterator[Problem]:
    """Every problem; looks whether the files that are named can be read."""
    try:
        parse_domain(configuration.node.name)
    except BadAddress as error:
        yield Problem(path=("node", "name"), message=f"node: {error}", mend='name it like "mail1.corp.test"')
    if not configuration.listener:
        yield Problem(path=("listener",), message="listener is empty", mend="give one, or leave it out for the default")
    for place, listener in enumerate(configuration.listener):
        yield from _listener(("listener", place), listener)
    yield from _addresses(configuration)
    yield from _networks(configuration)
    yield from _rates(configuration)
    yield from _pair("tls", configuration.tls.certificate, configuration.tls.key)
    yield from _pair("console", configuration.console.certificate, configuration.console.key)
    yield from _files(configuration)
    if 0 < configuration.retention.evidence < _LEAST_RETENTION:
        message = "retention: evidence is to be kept for less than a day"
        mend = 'write a span such as "365d", or leave it out to keep it for ever'
        yield Problem(path=("retention", "evidence"), message=message, mend=mend)
    yield from _not_yet(configuration)


def host_and_port(text: str) -> tuple[str, int]:
    """From "HOST:PORT" with an IP address as host; ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{text!r} has no port")
    address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    if address.version == 6 and not host.startswith("["):
        raise ValueError(f"{text!r} has an IPv6 address without brackets")
    return str(address), int(port)


def _listener(path: KeyPath, listener: Listener) -> Iterator[Problem]:
    title = f'listener "{listener.address}"'
    try:
        host, _ = host_and_port(listener.address)
    except ValueError:
        mend = 'write IP address and port, such as "127.0.0.1:2525" or "[::]:25"'
        yield Problem(path=(*path, "address"), message=f"{title}: this is no address", mend=mend)
        return
    loopback = ipaddress.ip_address(host).is_loopback
    if listener.tls == "none" and not loopback and not listener.allow_plaintext:
        message = f"{title}: without TLS, mail and passwords cross the network in plaintext"
        mend = 'set tls = "starttls" or "implicit", or allow_plaintext = true where that is meant'
        yield Problem(path=(*path, "tls"), message=message, mend=mend)
    if listener.role == "submission" and listener.tls == "none":
        message = f"{title}: accounts authenticate over TLS only"
        yield Problem(path=(*path, "tls"), message=message, mend='set tls = "starttls" or "implicit"')
    if listener.role == "inbound":
        message = f'{title}: role = "inbound" is not available yet'
        yield Problem(path=(*path, "role"), message=message, mend="leave it out")
    if listener.allow_foreign_senders:
        yield from _foreign_senders((*path, "allow_foreign_senders"), title, listener)


def _foreign_senders(path: KeyPath, title: str, listener: Listener) -> Iterator[Problem]:
    if listener.role != "relay":
        message = f"{title}: an account sends only as the addresses that it is granted"
        yield Problem(path=path, message=message, mend="leave allow_foreign_senders out")
    elif any(network.endswith("/0") for network in listener.networks):
        message = f"{title}: with allow_foreign_senders for every network it is an open relay"
        yield Problem(path=path, message=message, mend="list the networks that are trusted")


def _addresses(configuration: Configuration) -> Iterator[Problem]:
    for place, server in enumerate(configuration.dns.servers):
        try:
            host_and_port(server)
        except ValueError:
            message = f"dns: {server!r} is no resolver"
            yield Problem(path=("dns", "servers", place), message=message, mend='write it like "127.0.0.1:53"')
    try:
        host_and_port(configuration.console.address)
    except ValueError:
        message = f"console: {configuration.console.address!r} is no address"
        yield Problem(path=("console", "address"), message=message, mend='write it like "127.0.0.1:8025"')
    for place, source in enumerate(configuration.delivery.source_addresses):
        try:
            ipaddress.ip_address(source)
        except ValueError:
            path = ("delivery", "source_addresses", place)
            message = f"delivery: {source!r} is no IP address"
            yield Problem(path=path, message=message, mend="write an address of this machine")


def _rates(configuration: Configuration) -> Iterator[Problem]:
    for name, text in configuration.delivery.rates.items():
        try:
            outbound_rates({name: text}, workers=1)
        except ValueError as error:
            mend = 'write it like "bank.test" = "100/1m", or "host NAME" or "*" for the destination'
            yield Problem(path=("delivery", "rates", name), message=f'delivery: rates: "{name}": {error}', mend=mend)


def _networks(configuration: Configuration) -> Iterator[Problem]:
    listeners = [(("listener", place, "networks"), one.networks) for place, one in enumerate(configuration.listener)]
    others: list[tuple[KeyPath, tuple[str, ...]]] = [
        (("console", "trusted_proxies"), configuration.console.trusted_proxies),
        (("alerts", "webhook_networks"), configuration.alerts.webhook_networks),
    ]
    for path, networks in [*listeners, *others]:
        for place, network in enumerate(networks):
            try:
                ipaddress.ip_network(network)
            except ValueError:
                message = f"{path[0]}: {network!r} is no network"
                mend = 'write an address or a network, such as "192.0.2.0/24", without host bits'
                yield Problem(path=(*path, place), message=message, mend=mend)


def _pair(section: str, certificate: Path | None, key: Path | None) -> Iterator[Problem]:
    if bool(certificate) != bool(key):
        given, missing = ("certificate", "key") if certificate else ("key", "certificate")
        message = f"{section}: {given} is given without {missing}"
        yield Problem(path=(section, given), message=message, mend=f"add {missing}, or leave both out")


def _files(configuration: Configuration) -> Iterator[Problem]:
    for section, table in (("tls", configuration.tls), ("console", configuration.console)):
        for key in ("certificate", "key", "ca_file"):
            file: Path | None = getattr(table, key, None)
            if not file:
                continue
            try:
                file.open("rb").close()
            except OSError as error:
                message = f"{section}: {key} {str(file)!r} cannot be read ({error.strerror})"
                yield Problem(path=(section, key), message=message, mend="correct the path or its permissions")


def _not_yet(configuration: Configuration) -> Iterator[Problem]:
    url = configuration.store.url
    if url.startswith(("postgresql:", "postgres:")):
        message = "store: PostgreSQL is not available yet"
        yield Problem(path=("store", "url"), message=message, mend="leave url out; the default is SQLite in data_dir")
    elif not url.startswith("sqlite:///") or set("?#") & set(url):
        message = f"store: {url!r} is no store"
        yield Problem(path=("store", "url"), message=message, mend="write sqlite:///FOLDER, or leave url out")
    values = (("delivery", "deny_networks", configuration.delivery.deny_networks),)
    for section, key, value in values:
        if value:
            yield Problem(path=(section, key), message=f"{section}: {key} is not available yet", mend="leave it out")
