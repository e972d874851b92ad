"""DKIM: whether the key that this node signs with is the one that is published (RFC 6376, 3.6.1)."""

import asyncio
import base64
import re
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from percorso.core.settings.schema import Dkim
from percorso.operations.doctor.finding import Finding, fail, ok, unknown
from percorso.operations.doctor.patient import Patient
from percorso.ports.queue import StoreError
from percorso.ports.resolver import LookupFailed
from percorso.store.secrets import FileSecrets

MAX_DOMAINS: Final = 50  # looked at
_STRING: Final = re.compile(r'"([^"]*)"')
_KEY: Final = re.compile(r"(?:^|;)\s*p\s*=\s*([A-Za-z0-9+/=\s]*)")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One domain's record and this node's key."""

    domain: str
    name: str  # of the record
    published: str | None = None
    """The public key in DNS, base64; None where there is no record with one."""
    own: str = ""
    """The public key of the secret, base64."""
    lookup_problem: str = ""
    key_problem: str = ""


def judge(seen: Seen) -> Finding:
    """Receivers take a signature for bad that the published key does not verify."""
    check = f"DKIM of {seen.domain}"
    if seen.key_problem:
        return fail(check, f"the key cannot be used: {seen.key_problem}", "mail waits until it can: set the secret")
    if seen.lookup_problem:
        return unknown(check, seen.lookup_problem, "mend the resolver first")
    record = f"publish the TXT record `{seen.name}`: `v=DKIM1; k=rsa; p={seen.own}`"
    if not seen.published:
        return fail(check, f"there is no key at {seen.name}, so that no receiver can verify what is signed", record)
    if seen.published != seen.own:
        return fail(check, f"the key at {seen.name} is not the one that this node signs with", record)
    return ok(check, f"the key at {seen.name} is the one that this node signs with")


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    tables = patient.document.dkim if patient.document else ()
    return [judge(seen) for seen in await asyncio.gather(*(_look(patient, one) for one in tables[:MAX_DOMAINS]))]


async def _look(patient: Patient, table: Dkim) -> Seen:
    seen = Seen(domain=table.domain, name=f"{table.selector}._domainkey.{table.domain}")
    try:
        own = _public(FileSecrets(patient.configuration.node.data_dir).get(table.key_secret))
    except (LookupError, StoreError) as error:
        return msgspec.structs.replace(seen, key_problem=str(error))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return msgspec.structs.replace(seen, key_problem="it is no private key in PEM, or one that is encrypted")
    try:
        answer = await patient.network.resolver.query(seen.name, "TXT")
    except LookupFailed as error:
        return msgspec.structs.replace(seen, lookup_problem=str(error))
    records = ["".join(_STRING.findall(record)) for record in answer.records]
    keys = ["".join(found[1].split()) for record in records if (found := _KEY.search(record))]
    return msgspec.structs.replace(seen, own=own, published=own if own in keys else next(iter(keys), None))


def _public(pem: bytes) -> str:
    key = load_pem_private_key(pem, password=None).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode("ascii")
