"""What a notice reports: the message, its recipients that have the same fate, and what became of each."""

import enum

import msgspec

from percorso.core.delivery.cause import Cause, cause_of
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import Requirement
from percorso.core.tls.result import FailureType, SecureTransportFailure


class Kind(enum.StrEnum):
    """What became of the recipients, as RFC 3464, 2.3.3 names it. `delivered` is for the last server to say."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


# RFC 3461, 4.1: what a sender asks to be told of, and whether also one who asked for nothing is.
_ASKED = {Kind.FAILED: "FAILURE", Kind.DELAYED: "DELAY", Kind.RELAYED: "SUCCESS"}


def wants(recipient: EnvelopeRecipient, kind: Kind) -> bool:
    """Whether the sender is to be told of this recipient (RFC 3461, 4.1 and 5.2.2)."""
    notify = recipient.parameters.notify
    return _ASKED[kind] in notify if notify else kind is not Kind.RELAYED


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient, and what became of it."""

    recipient: EnvelopeRecipient
    reply: Reply
    """The last one. A transient one in a notice of failure means that the recipient's time ran out."""
    requirement: Requirement = Requirement()
    """What the delivery had to prove."""
    failure: SecureTransportFailure | None = None
    server: str = ""
    """The server that replied or failed, by name; empty where there was none."""
    server_replied: bool = False
    """Whether the reply is the server's own word."""
    at_host: bool = False
    """Whether the server is one of a configured host."""
    uncertain: bool = False
    """Whether the connection was lost behind the final dot."""
    last_attempt: float = 0.0  # unix seconds
    retry_until: float = 0.0
    """When its time is up, unix seconds; for what is delayed."""

    @property
    def why(self) -> FailureType | Cause:
        """The cause, for people."""
        if self.failure:
            return self.failure.type
        if self.reply.enhanced[2:] == "7.30":  # RFC 8689, 5
            return FailureType.REQUIRETLS_NOT_SUPPORTED
        return cause_of(self.reply, server_replied=self.server_replied, at_host=self.at_host, uncertain=self.uncertain)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The message that a notice is about, and whom."""

    kind: Kind
    queue_id: str
    envelope: Envelope
    accepted_at: float  # unix seconds
    head: bytes
    """Its header section in wire form."""
    recipients: tuple[Reported, ...]


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice says of ourselves, and what is new in each."""

    organization: str = ""
    language: str = "en"
    """The one that comes first."""
    reporting_mta: str  # our host name
    message_id: str  # with its angle brackets
    boundary: str
    date: float  # unix seconds
