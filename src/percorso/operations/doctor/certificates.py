"""Certificates: our own, of listeners and of the console, and the CA files that hosts and settings name."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from percorso.core.tls.handshake import Certificate, ChainVerdict
from percorso.core.tls.names import any_name_matches
from percorso.net.tls.chain import read_certificate
from percorso.net.tls.contexts import BadCertificateFile, server_context
from percorso.net.tls.trust import Trust
from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import Patient

DAY: Final = 86_400.0
SOON: Final = 21 * DAY

_RENEW: Final = "renew it, and see why that did not happen by itself"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of ours; `problem` where it cannot be used, `missing` where there is none yet."""

    title: str
    name: str = ""  # that it ought to bear
    chain: tuple[Certificate, ...] = ()
    verdict: ChainVerdict = ChainVerdict(trusted=False)
    self_made: bool = False  # by the node itself at its first start
    now: float = 0.0
    problem: str = ""
    missing: bool = False


class SeenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of CA certificates with the dates on which they end."""

    title: str
    path: str
    ends: tuple[float, ...] = ()
    now: float = 0.0
    problem: str = ""


def judge(seen: Seen) -> Finding:
    """Usable, in date, for our name, and trusted by others: the worst is told."""
    if seen.missing:
        return unknown(seen.title, "there is none yet", "the first `percorso serve` makes a self-signed one")
    if seen.problem or not seen.chain:
        return fail(seen.title, seen.problem or "it holds no certificate", "correct the files; see the message")
    leaf = seen.chain[0]
    ends = f"until {time.strftime('%Y-%m-%d', time.gmtime(leaf.not_after))}"
    if seen.now > leaf.not_after or seen.now < leaf.not_before:
        return fail(seen.title, f"it is not valid now ({ends})", _RENEW)
    if seen.name and not any_name_matches(leaf.names, (seen.name,)):
        names = ", ".join(leaf.names) or "nobody"
        return fail(seen.title, f"it is for {names}, not for {seen.name}", f"get one for {seen.name}")
    if leaf.not_after - seen.now < SOON:
        return warn(seen.title, f"it is valid only {ends}", _RENEW)
    if seen.self_made:
        return ok(seen.title, f"self-signed, {ends}: encrypts, and proves nothing to clients that check names")
    if not seen.verdict.trusted:
        mend = "put the whole chain into the file, the leaf first; a CA of your own has to be known to the clients"
        return warn(seen.title, f"its chain leads to no trusted CA: {seen.verdict.error}", mend)
    return ok(seen.title, f"for {', '.join(leaf.names[:5])}, {ends}")


def judge_file(seen: SeenFile) -> Finding:
    """Readable, with a CA in it that is in date."""
    check = f"CA file of {seen.title}"
    if seen.problem or not seen.ends:
        return fail(check, f"{seen.path}: {seen.problem or 'holds no certificate'}", "put it there, on every node")
    if max(seen.ends) < seen.now:
        return fail(check, f"{seen.path}: every certificate in it is out of date", "replace it")
    return ok(check, f"{seen.path} holds {len(seen.ends)} certificates")


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    return await asyncio.to_thread(_check, patient, time.time())


def _check(patient: Patient, now: float) -> list[Finding]:
    configuration = patient.configuration
    tls, console, node = configuration.tls, configuration.console, configuration.node
    made = node.data_dir / "tls"
    pairs = [("certificate", tls.certificate or made / "self-signed.pem", tls.key or made / "self-signed.key")]
    if console.certificate and console.key:
        pairs.append(("console certificate", console.certificate, console.key))
    trust = Trust(str(tls.ca_file) if tls.ca_file else "")
    found = []
    for title, certificate, key in pairs:
        seen = look(title, certificate, key, trust=trust, now=now)
        ours = title == "certificate"
        seen = msgspec.structs.replace(seen, name=node.name if ours else "", self_made=ours and not tls.certificate)
        found.append(judge(seen))
    return [*found, *(judge_file(look_at_file(title, path, now=now)) for title, path in _ca_files(patient))]


def look(title: str, certificate: Path, key: Path, *, trust: Trust, now: float) -> Seen:
    """Read a pair and verify its chain."""
    if not certificate.exists() and not key.exists():
        return Seen(title=title, missing=True)
    try:
        server_context(certificate, key)
        ders = _ders(certificate)
    except (BadCertificateFile, OSError, ValueError) as error:
        return Seen(title=title, problem=str(error))
    chain = tuple(read_certificate(der) for der in ders)
    return Seen(title=title, chain=chain, verdict=trust.verdict(ders, chain, ca_file="", now=now), now=now)


def look_at_file(title: str, path: str, *, now: float) -> SeenFile:
    """Read a file of CA certificates."""
    try:
        ends = tuple(read_certificate(der).not_after for der in _ders(Path(path)))
    except OSError as error:
        return SeenFile(title=title, path=path, problem=f"cannot be read ({error.strerror})")
    except ValueError:
        return SeenFile(title=title, path=path, problem="is no PEM file of certificates")
    return SeenFile(title=title, path=path, ends=ends, now=now)


def _ders(file: Path) -> tuple[bytes, ...]:
    certificates = x509.load_pem_x509_certificates(file.read_bytes())
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)


def _ca_files(patient: Patient) -> Iterable[tuple[str, str]]:
    if patient.configuration.tls.ca_file:
        yield "[tls]", str(patient.configuration.tls.ca_file)
    if patient.document:
        yield from ((f"host {host.name}", host.ca_file) for host in patient.document.host if host.ca_file)
        yield from ((rule.name, rule.ca_file) for rule in patient.document.tls_compliance if rule.ca_file)
