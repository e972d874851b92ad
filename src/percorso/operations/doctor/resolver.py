"""The resolver: whether it answers, how fast, and whether it validates DNSSEC and says so (AD).

Without validation there is no DANE, and the names of mail servers can be forged on the way.
"""

import time
from typing import Final

import msgspec

from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import Patient
from percorso.ports.resolver import Answer, LookupFailed

ANSWERS: Final = "resolver"
DNSSEC: Final = "DNSSEC"
SLOW: Final = 1.0  # seconds
_PLAIN: Final = "gmail.com"  # asked for where no name of the organization is known

_PROBES: Final = "set `[dns] probe_valid` to a signed name and `probe_bogus` to one with a broken signature"
_VALIDATE: Final = (
    "run a validating resolver on this machine (unbound), or set `[dns] trust_ad = true` where the path to a "
    "validating one cannot be tampered with"
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the resolver did. An empty `problem` is an answer, also "there is none"."""

    servers: tuple[str, ...]
    name: str
    exists: bool = True
    seconds: float = 0.0
    problem: str = ""
    probe_valid: str = ""
    valid_authenticated: bool = False
    valid_problem: str = ""
    probe_bogus: str = ""
    bogus_resolved: bool = False


def judge(seen: Seen) -> list[Finding]:
    """Answers first; without them nothing is known of DNSSEC."""
    servers = ", ".join(seen.servers)
    if seen.problem:
        mend = "correct `[dns] servers` or /etc/resolv.conf, or the network: mail waits while names cannot be looked up"
        return [fail(ANSWERS, seen.problem, mend), unknown(DNSSEC, "the resolver does not answer")]
    text = f"{servers} answered for {seen.name} within {seen.seconds * 1000:.0f} ms"
    if not seen.exists:
        text = f"{servers} says that there is no {seen.name}"
        return [warn(ANSWERS, text, "connect it to the internet, or correct the name"), _dnssec(seen)]
    slow = seen.seconds > SLOW
    answers = warn(ANSWERS, text, "use a resolver nearby, best on this machine") if slow else ok(ANSWERS, text)
    return [answers, _dnssec(seen)]


def _dnssec(seen: Seen) -> Finding:
    if seen.probe_bogus and seen.bogus_resolved:
        return fail(DNSSEC, f"{seen.probe_bogus} resolves in spite of its broken signature", _VALIDATE)
    if not seen.probe_valid:
        return unknown(DNSSEC, "no name is set to try it with", _PROBES)
    if seen.valid_problem:
        return warn(DNSSEC, f"{seen.probe_valid} does not resolve: {seen.valid_problem}", "see that the name is right")
    if not seen.valid_authenticated:
        return warn(DNSSEC, f"{seen.probe_valid} came without a word that it was validated (AD)", _VALIDATE)
    bogus = f"; {seen.probe_bogus} is refused" if seen.probe_bogus else ""
    return ok(DNSSEC, f"{seen.probe_valid} is validated{bogus}")


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    dns = patient.configuration.dns
    domains = patient.document.organization.domains if patient.document else ()
    name = next((domain for domain in domains if not domain.startswith(".")), _PLAIN)
    begun = time.monotonic()
    answer, problem = await _ask(patient, name)
    seconds = time.monotonic() - begun
    seen = Seen(
        servers=dns.servers or ("the system's resolver",), name=name, seconds=seconds, problem=problem,
        exists=answer is None or answer.exists,
        probe_valid=dns.probe_valid, probe_bogus=dns.probe_bogus,
    )  # fmt: skip
    if problem:
        return judge(seen)
    valid, valid_problem = await _ask(patient, dns.probe_valid)
    bogus, _ = await _ask(patient, dns.probe_bogus)
    return judge(
        msgspec.structs.replace(
            seen,
            valid_authenticated=bool(valid and valid.records and valid.authenticated),
            valid_problem=valid_problem or ("" if valid is None or valid.records else "it has no address"),
            bogus_resolved=bool(bogus and bogus.records),
        )
    )


async def _ask(patient: Patient, name: str) -> tuple[Answer | None, str]:
    """The answer, or why there is none; nothing for no name."""
    if not name:
        return None, ""
    try:
        return await patient.network.resolver.query(name, "A"), ""
    except LookupFailed as error:
        return None, str(error)
