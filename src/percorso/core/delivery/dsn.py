"""Delivery status notifications: what a sender is told of mail that could not be delivered (RFC 3464).

A notice returns the header of the message at most, never its body: it may travel less safely than the message would
have.
"""

import msgspec

from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import Requirement
from percorso.core.tls.result import SecureTransportFailure


class FailedRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient that the message did not reach, and why."""

    recipient: EnvelopeRecipient
    reply: Reply
    """Permanent; a transient one whose time is up is first `bounced`."""
    requirement: Requirement = Requirement()
    """What the delivery had to prove."""
    failure: SecureTransportFailure | None = None
    server: str = ""
    """The server that replied or failed, by name; empty where there was none."""
    server_replied: bool = False
    """Whether the reply is the server's own word."""
    last_attempt: float = 0.0  # unix seconds


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The message that a notice is about."""

    queue_id: str
    envelope: Envelope
    accepted_at: float  # unix seconds
    head: bytes
    """Its header section in wire form."""
    failed: tuple[FailedRecipient, ...]


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """What is new in each notice."""

    reporting_mta: str  # our host name
    message_id: str  # with its angle brackets
    boundary: str
    date: float  # unix seconds


def failed_notice(report: Report, letterhead: Letterhead) -> bytes | None:
    """The notice in wire form (CRLF, dot-stuffed, without the final dot) to the envelope sender.

    None where nobody is to be told: the sender is null (RFC 3461, 6.1), or no recipient asks for
    notices of failure (RFC 3461, 4.1).
    """
    raise NotImplementedError
