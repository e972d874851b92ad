"""The node's name: that it resolves, and that the addresses our mail comes from point back to it.

Receivers look at both. An address without a PTR record, or an EHLO with a name that does not exist, is refused by many.
"""

import asyncio
import ipaddress
from typing import Final

import msgspec

from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import BEHIND_NAT, Patient, own_addresses
from percorso.ports.resolver import LookupFailed, RecordType

NAME: Final = "HELO name"
PTR: Final = "PTR"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Our name's addresses, and the names that each of our addresses points back to, with what they resolve to."""

    name: str
    addresses: tuple[str, ...] = ()
    problem: str = ""
    pointers: tuple["Pointer", ...] = ()
    private: tuple[str, ...] = ()


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """The PTR names of one address."""

    address: str
    names: tuple[str, ...] = ()
    confirmed: bool = False  # one of the names resolves to the address again (RFC 1912, 2.1)
    problem: str = ""


def judge(seen: Seen) -> list[Finding]:
    """The name, then each address."""
    return [_name(seen), *_pointers(seen)]


def _name(seen: Seen) -> Finding:
    mend = "give it an A or AAAA record, or set `[node] name` to a name that has one"
    if "." not in seen.name:
        return fail(NAME, f"{seen.name} is no full name", 'set `[node] name` to one like "mail1.corp.test"')
    if seen.problem:
        return unknown(NAME, seen.problem, "mend the resolver first")
    if not seen.addresses:
        return fail(NAME, f"{seen.name} has no address", mend)
    ours = {pointer.address for pointer in seen.pointers}
    text = f"{seen.name} is {', '.join(seen.addresses)}"
    if ours and not ours & set(seen.addresses):
        mend = "point its A or AAAA record to the address that mail leaves from"
        return warn(NAME, f"{text}, and mail leaves from {', '.join(sorted(ours))}", mend)
    return ok(NAME, text)


def _pointers(seen: Seen) -> list[Finding]:
    found = [_pointer(seen.name, pointer) for pointer in seen.pointers]
    if not found:
        where = ", ".join(seen.private)
        text = f"mail leaves from {where}, which is not a public address" if where else "there is no way out to be seen"
        return [unknown(PTR, text, BEHIND_NAT)]
    return found


def _pointer(name: str, pointer: Pointer) -> Finding:
    check = f"{PTR} of {pointer.address}"
    mend = f"ask whom the address belongs to (mostly the provider) to set its PTR record to {name}"
    if pointer.problem:
        return unknown(check, pointer.problem, "mend the resolver first")
    if not pointer.names:
        return fail(check, "there is none; many servers refuse mail from such addresses", mend)
    names = ", ".join(pointer.names)
    if name in pointer.names and pointer.confirmed:
        return ok(check, f"it is {name}, and that leads back")
    if not pointer.confirmed:
        return fail(check, f"it is {names}, which does not lead back to {pointer.address}", mend)
    return warn(check, f"it is {names}, and EHLO says {name}", mend)


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    name = patient.network.name
    own = own_addresses(patient)
    addresses, problem = await _addresses(patient, name)
    pointers = await asyncio.gather(*(_point(patient, address) for address in own.public))
    seen = Seen(name=name, addresses=addresses, problem=problem, pointers=tuple(pointers), private=own.private)
    return judge(seen)


async def _addresses(patient: Patient, name: str) -> tuple[tuple[str, ...], str]:
    kinds: tuple[RecordType, ...] = ("A", "AAAA")
    try:
        answers = [await patient.network.resolver.query(name, kind) for kind in kinds]
    except LookupFailed as error:
        return (), str(error)
    return tuple(str(ipaddress.ip_address(record)) for answer in answers for record in answer.records), ""


async def _point(patient: Patient, address: str) -> Pointer:
    try:
        answer = await patient.network.resolver.query(ipaddress.ip_address(address).reverse_pointer, "PTR")
    except LookupFailed as error:
        return Pointer(address=address, problem=str(error))
    names = tuple(record.lower().removesuffix(".") for record in answer.records)
    wanted = str(ipaddress.ip_address(address))
    back = [wanted in (await _addresses(patient, name))[0] for name in names[:10]]
    return Pointer(address=address, names=names, confirmed=any(back))
