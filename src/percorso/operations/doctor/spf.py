"""SPF: whether the organization's domains let our addresses send their mail (RFC 7208)."""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from percorso.lookups.spf import Spf, SpfAnswer, check_spf
from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import BEHIND_NAT, Patient, own_addresses
from percorso.ports.resolver import LookupFailed

CHECK: Final = "SPF"
MAX_DOMAINS: Final = 50  # looked at


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One domain's answer for one of our addresses, or why there is none."""

    domain: str
    address: str
    answer: SpfAnswer | None = None
    problem: str = ""


def judge(seen: Iterable[Seen]) -> list[Finding]:
    """A finding for each domain: its worst."""
    domains: dict[str, list[Seen]] = {}
    for one in seen:
        domains.setdefault(one.domain, []).append(one)
    return [_judge_domain(domain, of_domain) for domain, of_domain in domains.items()]


def _judge_domain(domain: str, seen: list[Seen]) -> Finding:
    check = f"{CHECK} of {domain}"
    for one in seen:
        if finding := _problem(check, one):
            return finding
    return ok(check, f"{', '.join(one.address for one in seen)} may send: {seen[0].answer.why}")  # type: ignore[union-attr]  # a missing one is a problem


def _problem(check: str, one: Seen) -> Finding | None:
    kind = "ip6" if ":" in one.address else "ip4"
    mend = f"add `{kind}:{one.address}` to the record of {one.domain}, before its `all`"
    if one.answer is None:
        return unknown(check, one.problem, "mend the resolver first")
    match one.answer.result:
        case Spf.PASS:
            return None
        case Spf.NONE:
            mend = f"publish a TXT record for {one.domain}, such as `v=spf1 mx {kind}:{one.address} -all`"
            return warn(check, "there is no record; receivers trust such mail less", mend)
        case Spf.CANNOT_TELL:
            return unknown(check, f"{one.address}: {one.answer.why}", "look whether it covers our addresses")
        case Spf.PERMERROR:
            return fail(check, f"the record cannot be used: {one.answer.why}", "mend the record")
        case Spf.FAIL | Spf.SOFTFAIL | Spf.NEUTRAL:
            text = f"{one.address} may not send for it ({one.answer.result}: {one.answer.why})"
            return fail(check, text, mend) if one.answer.result is not Spf.NEUTRAL else warn(check, text, mend)


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    own = own_addresses(patient)
    domains = [one for one in _domains(patient) if not one.startswith(".")][:MAX_DOMAINS]
    if not domains:
        return [unknown(CHECK, "the settings name no domain of the organization", "set `[organization] domains`")]
    if not own.public:
        return [unknown(CHECK, "no public address of this machine is known", BEHIND_NAT)]
    pairs = [(domain, address) for domain in domains for address in own.public]
    return judge(await asyncio.gather(*(_look(patient, *pair) for pair in pairs)))


def _domains(patient: Patient) -> tuple[str, ...]:
    return patient.document.organization.domains if patient.document else ()


async def _look(patient: Patient, domain: str, address: str) -> Seen:
    try:
        answer = await check_spf(patient.network.resolver, domain, address)
    except LookupFailed as error:
        return Seen(domain=domain, address=address, problem=str(error))
    return Seen(domain=domain, address=address, answer=answer)
