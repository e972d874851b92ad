"""What evidence can be found by: the terms of a record, and those that a filter asks for.

A record matches a filter when it has all of the filter's terms and its time is in the filter's range. Index and plain
search both go by this.
"""

from collections.abc import Iterator

import msgspec

from percorso.core.evidence.record import Parties
from percorso.core.mail.address import parse_address, parse_domain
from percorso.ports.evidence import EvidenceFilter

_HOST = "host "
"""What the route of mail over a configured host begins with."""


class Findable(msgspec.Struct, frozen=True):
    """The fields of a record that it can be found by."""

    at: float
    queue_id: str
    status: str
    recipient_domain: str
    route: str = ""
    failure: str = ""
    secure: bool = False


def terms_of(record: Findable, parties: Parties | None) -> Iterator[str]:
    """All terms of a record; without its parties, once they are erased, only the impersonal ones."""
    yield f"id {record.queue_id}"
    yield f"status {record.status}"
    yield f"recipient {record.recipient_domain}"
    yield "secure" if record.secure else "insecure"
    if record.failure:
        yield f"failure {record.failure}"
    if record.route.startswith(_HOST):
        yield record.route
    if parties:
        yield f"recipient {_comparable(parties.recipient)}"
        if parties.sender:
            yield f"sender {_comparable(parties.sender)}"
            yield f"sender {parties.sender.rpartition('@')[2]}"


def terms_asked(which: EvidenceFilter) -> list[str]:
    """The terms that a filter asks for. Raises `BadAddress` for what is neither an address nor a domain."""
    terms = []
    if which.queue_id:
        terms.append(f"id {which.queue_id.upper()}")
    if which.recipient:
        terms.append(f"recipient {_address_or_domain(which.recipient)}")
    if which.sender:
        terms.append(f"sender {_address_or_domain(which.sender)}")
    if which.failure:
        terms.append(f"failure {which.failure}")
    if which.host:
        terms.append(f"{_HOST}{which.host}")
    if which.status:
        terms.append(f"status {which.status}")
    if which.secure is not None:
        terms.append("secure" if which.secure else "insecure")
    return terms


def in_time(at: float, which: EvidenceFilter) -> bool:
    """Whether a time is in the filter's range."""
    return which.since <= at and (not which.until or at <= which.until)


def of_person(parties: Parties, person: str) -> bool:
    """Whether a record is of this person (`person_key`): sent or received with the address, whatever the tag."""
    return person in (person_key(parties.sender), person_key(parties.recipient))


def names_person(term: str, person: str) -> bool:
    """Whether a term of the index holds an address of this person."""
    kind, _, address = term.partition(" ")
    return kind in {"sender", "recipient"} and "@" in address and person_key(address) == person


def person_key(address: str) -> str:
    """The address as one person's: as it compares, without a tag."""
    local, _, domain = _comparable(address).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _address_or_domain(text: str) -> str:
    return _comparable(str(parse_address(text))) if "@" in text else parse_domain(text)


def _comparable(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.casefold()}@{domain}"
