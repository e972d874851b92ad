"""Try the TLS of a domain's mail servers, or of one server, step by step, against a requirement. Sends no message.

The requirement is the one asked for; else what the settings in force require of mail to the domain, or of the host that
the server belongs to. `level` tells besides which of the plain requirements a server meets.
"""

import time
from typing import Literal

import msgspec

from percorso.core.delivery.mends import By
from percorso.core.delivery.plan import Attempt
from percorso.core.hosts.host import Host, HostServer, Target
from percorso.core.mail.address import Address
from percorso.core.policy.decision import Decision, Hop
from percorso.core.policy.settings import Settings
from percorso.core.tls.requirement import Requirement
from percorso.delivery.way import way_to
from percorso.operations.explain import Question, explain_message
from percorso.operations.network import Network
from percorso.operations.tls_trial import LEVELS, ServerReport, Step, Tell, Trial
from percorso.ports.settings import SettingsSource


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the test."""

    destination: str
    requirement: str
    because: str
    """Where the requirement comes from."""
    servers: tuple[ServerReport, ...]
    steps: tuple[Step, ...]

    @property
    def met(self) -> bool:
        """Whether every server meets the requirement; mail may come to any of them."""
        return bool(self.servers) and all(server.met for server in self.servers)


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A domain (`port` is 0), or one server. `implicit_tls` is for servers; a configured host's own way goes first."""

    name: str
    port: int = 0
    implicit_tls: bool = False

    def __str__(self) -> str:
        if not self.port:
            return self.name
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The hop to test, with its requirement, and where that comes from."""

    hop: Hop
    because: str


def wanted(destination: Destination, source: SettingsSource, level: str, *, now: float) -> Wanted:
    """What the test asks: the level asked for, else what the settings in force require."""
    asked = LEVELS.get(level)
    if destination.port:
        return _wanted_of_server(destination, source.current, asked)
    recipient = Address(local="postmaster", domain=destination.name)
    decision = explain_message(source, Question(sender=None, recipient=recipient), now=now).trace.decision
    hop = Hop(domain=destination.name, requirement=asked or decision.requirement)
    return Wanted(hop=hop, because="asked for" if asked else _because(decision))


def _because(decision: Decision) -> str:
    hops = ", else ".join(str(hop) for hop in decision.hops)
    rules = f", by {', '.join(decision.rules)}" if decision.rules else ""
    return f"settings version {decision.version}: {decision.reason}{rules}; such mail goes {hops or 'nowhere'}"


def _wanted_of_server(destination: Destination, settings: Settings, asked: Requirement | None) -> Wanted:
    server = HostServer(address=destination.name, port=destination.port)
    found = next((host for host in settings.hosts.values() if _has(host, server)), None)
    if found:
        because = f"host {found.name} of settings version {settings.version}"
        host = msgspec.structs.replace(found, primary=(server,), secondary=())
    else:
        because = "what a host is asked by default"
        tls: Literal["starttls", "implicit"] = "implicit" if destination.implicit_tls else "starttls"
        requirement = settings.floored(LEVELS["host"])
        host = Host(name=destination.name, primary=(server,), tls=tls, requirement=requirement)
    hop = Hop(domain="", host=host, requirement=asked or host.requirement)
    return Wanted(hop=hop, because="asked for" if asked else because)


def _has(host: Host, server: HostServer) -> bool:
    return any((one.address, one.port) == (server.address, server.port) for one in (*host.primary, *host.secondary))


async def try_tls(
    destination: Destination, source: SettingsSource, network: Network, level: str = "", tell: Tell = lambda _: None
) -> Report:
    """Test every server, one after the other, telling each step as it is done."""
    steps: list[Step] = []

    def take(step: Step) -> None:
        steps.append(step)
        tell(step)

    asked = wanted(destination, source, level, now=network.clock.now())
    targets = await _targets(asked.hop, network, take)
    servers = [await Trial(network, way_to(asked.hop, Attempt(leg=0, target=one)), take).run() for one in targets]
    return Report(
        destination=str(destination),
        requirement=str(asked.hop.requirement),
        because=asked.because,
        servers=tuple(servers),
        steps=tuple(steps),
    )


async def _targets(hop: Hop, network: Network, tell: Tell) -> tuple[Target, ...]:
    begun = time.monotonic()
    leg = await network.router.leg(hop)
    seen = leg.refusal.text if leg.refusal else ", ".join(str(target) for target in leg.targets)
    if not all(target.name_authenticated for target in leg.targets):
        seen += " (names from unsigned DNS)"
    well, by = bool(leg.targets), By.US if leg.refusal and leg.refusal.transient else By.RECEIVER
    mend = "see with `percorso doctor` that our resolver answers" if by is By.US else "correct the domain's records"
    seconds = time.monotonic() - begun
    step = Step(server="", name="DNS", well=well, seen=seen, seconds=seconds)
    tell(step if well else msgspec.structs.replace(step, mend=mend, by=by))
    return leg.targets
