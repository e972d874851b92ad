"""What a server session tells its caller to do."""

from typing import Any

import msgspec

from percorso.core.mail.envelope import Envelope, EnvelopeRecipient


class Content(msgspec.Struct, frozen=True):
    """A part of the message's content, in wire form."""

    data: bytes


class MessageReceived(msgspec.Struct, frozen=True, kw_only=True):
    """The content is complete. Store the message, then `answer`."""

    envelope: Envelope
    recipients: tuple[EnvelopeRecipient, ...]


class ContentRefused(msgspec.Struct, frozen=True):
    """The content ended, but it was refused: drop what came of it."""


class StartTls(msgspec.Struct, frozen=True):
    """Write what is to be sent, shake hands, then `tls_established`."""


class Authenticate(msgspec.Struct, frozen=True, kw_only=True):
    """Find out whether this is the account's password, then say `authenticated`."""

    mechanism: str
    identity: str
    password: str

    def __repr__(self) -> str:
        """Without the password, for logs and tracebacks."""
        return f"Authenticate(mechanism={self.mechanism!r}, identity={self.identity!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for those who print in colours."""
        return [("mechanism", self.mechanism), ("identity", self.identity)]


class Closed(msgspec.Struct, frozen=True):
    """Write what is to be sent, and close. Drop a content that was not complete."""


Event = Content | MessageReceived | ContentRefused | StartTls | Authenticate | Closed
