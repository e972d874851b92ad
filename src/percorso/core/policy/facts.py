"""The facts of one recipient of one message, as the decision asks for them. Gathered at the edge."""

import enum

import msgspec

from percorso.core.mail.address import Address
from percorso.core.tls.requirement import Requirement, StsPolicy


class HeaderField(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence of a header field. `decoded` is None where it cannot be read (RFC 2047)."""

    name: str  # lower-case
    raw: str
    decoded: str | None


class LookupState(enum.StrEnum):
    """What is known of a published policy: three facts that are never mixed up."""

    NOT_ASKED = "not-asked"
    ABSENT = "absent"
    FOUND = "found"
    STALE = "stale"  # found earlier, could not be refreshed, still in force
    FAILED = "failed"  # nothing is known: defer, never downgrade


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What the destination publishes about secure transport (RFC 8461, RFC 7672)."""

    sts: LookupState = LookupState.NOT_ASKED
    sts_policy: StsPolicy | None = None
    dane: LookupState = LookupState.NOT_ASKED
    dane_servers: tuple[str, ...] = ()
    """The MX hosts that have usable TLSA records."""


class ListMatch(msgspec.Struct, frozen=True, kw_only=True):
    """An address list that matches, and the entry that made it."""

    name: str
    entry: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `decide` may look at."""

    sender: Address | None
    recipient: Address
    account: str = ""
    header_from: tuple[str, ...] = ()
    """Addresses (`local@domain`) and bare domains of every From field; see `unreadable_from`."""
    unreadable_from: bool = False
    headers: tuple[HeaderField, ...] = ()
    """Every occurrence of every field that a routing rule names."""
    size: int = 0  # octets
    requiretls: bool = False
    tls_required_no: bool = False
    sender_lists: tuple[ListMatch, ...] = ()
    recipient_lists: tuple[ListMatch, ...] = ()
    arrived_from: str = ""
    """The configured host that the message came from, if any."""
    received_count: int = 0
    own_report: bool = False  # an alert or a TLS report of our own: exempt from 1 and 2, and never diverted
    kept: Requirement = Requirement()
    """What the message was accepted under."""
    published: Published = Published()
    now: float = 0.0  # unix seconds, for exceptions that end
