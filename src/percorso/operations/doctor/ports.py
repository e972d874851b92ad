"""The ways out: whether mail servers answer on ports 25 and 587 from here.

Many providers close port 25 to their customers until asked. Connecting and reading the greeting is all that is done.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

import msgspec

from percorso.core.hosts.host import Target
from percorso.lookups.mx import NoServers
from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import CONNECT_TIMEOUT, REPLY_TIMEOUT, Patient
from percorso.ports.dialer import ConnectFailed
from percorso.ports.resolver import LookupFailed

DEFAULT_TARGETS: Final = ("gmail.com", "smtp.gmail.com:587")
"""Tried where no others are told: large, always there, and indifferent to one connection more."""

_OPEN: Final = {
    25: "ask the provider, or the firewall's keeper, to open outbound TCP port 25: mail leaves by it",
    587: "open outbound TCP port 587 where a host of yours listens there; otherwise it does not matter",
}


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to connect."""

    target: str
    port: int
    greeting: str = ""
    seconds: float = 0.0
    problem: str = ""
    lookup_failed: bool = False  # the name was not resolved, which says nothing about the port


def judge(tried: Iterable[Tried]) -> list[Finding]:
    """Each port by its attempts: one that got through proves the way."""
    ports: dict[int, list[Tried]] = {}
    for one in tried:
        ports.setdefault(one.port, []).append(one)
    return [_judge_port(port, ports[port]) for port in sorted(ports)]


def _judge_port(port: int, tried: list[Tried]) -> Finding:
    check = f"outbound port {port}"
    through = [one for one in tried if not one.problem]
    if through:
        return ok(check, f"{through[0].target} answered within {through[0].seconds * 1000:.0f} ms")
    seen = "; ".join(f"{one.target}: {one.problem}" for one in tried)
    if all(one.lookup_failed for one in tried):
        return unknown(check, f"no name to try could be looked up ({seen})", "mend the resolver, or the network, first")
    if all("unreachable" in one.problem for one in tried):
        return fail(check, f"this machine has no way out: {seen}", "connect it to the network; mail waits until then")
    mend = _OPEN.get(port, f"open outbound TCP port {port} to these servers")
    return warn(check, seen, mend) if port == 587 else fail(check, seen, mend)


async def check(patient: Patient) -> list[Finding]:
    """Try all targets at once, and judge."""
    tried = await asyncio.gather(*(_try(patient, target) for target in patient.targets or DEFAULT_TARGETS))
    return judge(tried)


async def _try(patient: Patient, text: str) -> Tried:
    name, _, given = text.rpartition(":") if ":" in text else (text, "", "")
    port = int(given) if given else patient.configuration.delivery.port
    try:
        servers = await (
            patient.network.servers.of_name(name.strip("[]")) if given else patient.network.servers.of_domain(name)
        )
    except (LookupFailed, NoServers) as error:
        return Tried(target=text, port=port, problem=str(error), lookup_failed=True)
    return await knock(patient, Target(name=servers[0].name, address=servers[0].addresses[0], port=port))


async def knock(patient: Patient, target: Target) -> Tried:
    """Connect and read the greeting; with implicit TLS, connect only."""
    begun = time.monotonic()
    try:
        stream = await patient.network.dialer.connect(target, timeout=CONNECT_TIMEOUT)
        try:
            greeting = b"" if target.implicit_tls else await stream.read(timeout=REPLY_TIMEOUT)
        finally:
            stream.close()
    except ConnectFailed as error:
        return Tried(target=str(target), port=target.port, problem=str(error))
    text = greeting.decode("utf-8", "replace").strip()
    refused = "" if target.implicit_tls or text.startswith("220") else f"it greets with {text[:80] or 'nothing'}"
    seconds = time.monotonic() - begun
    return Tried(target=str(target), port=target.port, greeting=text[:200], seconds=seconds, problem=refused)
