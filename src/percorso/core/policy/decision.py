"""What `decide` returns: the requirement, the hops in their order, and why."""

import enum

import msgspec

from percorso.core.hosts.host import Host
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import Requirement


class Reason(enum.StrEnum):
    """Stable reason codes of a decision."""

    OPPORTUNISTIC = "opportunistic"
    """Nothing requires secure transport: TLS where offered, else plaintext."""
    REQUIRED_DIRECT = "required-direct"
    """Secure transport is required and no alternate secure route is in force."""
    ALTERNATE_REQUIRED = "alternate-required"
    """Secure transport is required and the route takes all such mail (`when = "required"`)."""
    LISTED_DIRECT = "listed-direct"
    """The recipient is listed as TLS-enabled (`when = "unlisted"`)."""
    ALTERNATE_UNLISTED = "alternate-unlisted"
    """The recipient is not listed as TLS-enabled (`when = "unlisted"`)."""
    ALTERNATE_ON_FAILURE = "alternate-on-failure"
    """Direct first, the alternate host in the same attempt on a typed failure."""
    DESTINATION_POLICY = "destination-policy"
    """Only the destination's published policy requires secure transport."""
    INBOUND_HOST = "inbound-host"
    """Mail for the organization's own domains goes to its inbound host."""
    RETURNED_FROM_HOST = "returned-from-host"
    """The mail came from the host that it would go to: direct, under its requirement."""
    LOOKUP_FAILED = "lookup-failed"
    """A published policy could not be looked up: the message waits."""
    MAIL_LOOP = "mail-loop"
    """Too many Received fields."""


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One way to the recipient: its own servers (`host` is None), or a configured host."""

    domain: str  # the recipient's domain
    host: Host | None = None
    requirement: Requirement
    """What a connection of this hop must meet: the recipient's requirement and the hop's own."""
    alternate: bool = False  # the alternate secure route

    def __str__(self) -> str:
        return f"host {self.host.name}" if self.host else f"direct to {self.domain}"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """How one recipient's mail is to be delivered in this attempt, and why.

    `hops` has one or two entries; a second one is the alternate secure route, taken only on a
    typed secure-transport failure of the first. It is empty where `refusal` says why not.
    """

    requirement: Requirement
    """What the administrator and the sender require; it stays with the message."""
    hops: tuple[Hop, ...]
    reason: Reason
    rules: tuple[str, ...] = ()
    """Ids of the settings that made the decision, such as `tls_compliance/Partners need TLS`."""
    version: int
    """The settings version that it was decided under."""
    unit: str = "/"
    refusal: Reply | None = None
    """A transient reply defers, a permanent one bounces."""
