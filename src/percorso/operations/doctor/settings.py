"""The settings in force: whether there are any, whether what they require can be met, and whether hosts answer."""

import asyncio
from collections.abc import Collection
from typing import Final

import msgspec

from percorso.core.hosts.host import Host
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.decision import Hop
from percorso.core.settings.schema import Document
from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import Patient
from percorso.operations.doctor.ports import Tried, knock
from percorso.operations.secret import named_secrets

CHECK: Final = "settings"
MAX_HOSTS: Final = 50  # tried

_APPLY: Final = "write a settings file and `percorso settings apply` it; docs/settings.md has every key"


class SeenHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host with what came of trying each of its servers."""

    name: str
    tried: tuple[Tried, ...] = ()
    problem: str = ""  # why there was none to try


def judge(document: Document | None, secrets: Collection[str] = ()) -> list[Finding]:
    """What the settings say, and what they leave out. `secrets` are the names of those that this node has."""
    if document is None or document == Document():
        return [fail(CHECK, "there are none: no mail is accepted, since no domain is the organization's", _APPLY)]
    return [_routes(document), *_secrets(document, secrets)]


def _routes(document: Document) -> Finding:
    """Units whose required mail has nowhere else to go."""
    settings = compile_settings(document, 0)
    without = [
        unit.path
        for unit in settings.units.values()
        if unit.route is None and any(rule.id not in unit.overridden for rule in unit.rules())
    ]
    if not without:
        return ok(CHECK, "they are there, and what they require has a way to go")
    text = f"secure transport is required in {', '.join(sorted(without))} without an alternate secure route"
    mend = "set an `[[alternate_secure_route]]`, or accept that mail to servers without good TLS waits and comes back"
    return warn(CHECK, text, mend)


def _secrets(document: Document, held: Collection[str]) -> list[Finding]:
    named = {document.organization.alert_webhook_secret}
    named |= {name for _, _, name in named_secrets(document)}
    missing = sorted(named - {"", *held})
    commands = " and ".join(f"`percorso secret set {name}`" for name in missing)
    text = f"the settings name secrets that this node does not have: {', '.join(missing)}"
    return [fail("secrets", text, f"{commands}, on every node")] if missing else []


def judge_host(seen: SeenHost) -> Finding:
    """A host answers if one of its servers does."""
    check = f"host {seen.name}"
    broken = [one for one in seen.tried if one.problem]
    text = "; ".join(f"{one.target}: {one.problem}" for one in broken)
    mend = "see that it runs, that its address and port are right, and that no firewall stands between"
    if seen.problem or len(broken) == len(seen.tried):
        return fail(check, seen.problem or text, mend)
    if broken:
        return warn(check, text, mend)
    return ok(check, f"{', '.join(one.target for one in seen.tried)} answered")


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    found = judge(patient.document, patient.secrets)
    if patient.document is None:
        return found
    hosts = list(compile_settings(patient.document, 0).hosts.values())
    seen = await asyncio.gather(*(_try(patient, host) for host in hosts[:MAX_HOSTS]))
    found += [judge_host(one) for one in seen]
    if len(hosts) > MAX_HOSTS:
        found.append(unknown(CHECK, f"{len(hosts) - MAX_HOSTS} hosts more were not tried"))
    return found


async def _try(patient: Patient, host: Host) -> SeenHost:
    hop = Hop(domain="", host=host, requirement=host.requirement)
    leg = await patient.network.router.leg(hop)
    if leg.refusal:
        return SeenHost(name=host.name, problem=leg.refusal.text)
    return SeenHost(name=host.name, tried=tuple(await asyncio.gather(*(knock(patient, one) for one in leg.targets))))
