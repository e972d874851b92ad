"""What the server offers in EHLO, and what each extension adds to MAIL and RCPT: one entry for each.

A new extension is an `Extension` in `EXTENSIONS`, its parameters' functions beside it, and its commands in `server`.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from percorso.core.mail.address import Address
from percorso.core.mail.envelope import EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.smtp.commands import BAD_PARAMETER


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one session may ask of us."""

    size: int = 25 * 1024 * 1024
    """Octets of one message (RFC 1870)."""
    recipients: int = 1000
    """Recipients of one message; RFC 5321, 4.5.3.1.8 asks for at least 100."""
    line: int = 1000
    """Octets of a line of the content with its CRLF (RFC 5321, 4.5.3.1.6)."""
    command: int = 2048
    """Octets of a command line; RFC 5321, 4.5.3.1.4 asks for 512, and extensions for more."""
    errors: int = 20
    """Refused commands since the last accepted message."""
    pending: int = 1024 * 1024
    """Octets of pipelined input that wait while a message is committed."""


class Draft(msgspec.Struct, kw_only=True):
    """A transaction while the client is telling it."""

    sender: Address | None
    size: int = 0  # as declared
    smtputf8: bool = False
    recipients: list[EnvelopeRecipient] = msgspec.field(default_factory=list)
    refused_recipients: int = 0

    @property
    def internationalized(self) -> bool:
        """Whether an address cannot travel without SMTPUTF8."""
        addresses = [recipient.address for recipient in self.recipients]
        return any(address.needs_smtputf8 for address in (self.sender, *addresses) if address)


MailParameter = Callable[[Draft, str, Limits], Reply | None]
"""Takes a parameter of MAIL into the draft; a reply refuses it."""


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the EHLO reply."""

    keyword: str
    argument: Callable[[Limits], str] = lambda _limits: ""
    mail: dict[str, MailParameter] = {}

    def line(self, limits: Limits) -> str:
        """As EHLO says it."""
        return f"{self.keyword} {self.argument(limits)}".rstrip()


TOO_LARGE: Final = Reply(code=552, enhanced="5.3.4", text="the message is larger than this server takes")


def _size(draft: Draft, value: str, limits: Limits) -> Reply | None:
    if not (value.isascii() and value.isdigit() and len(value) <= 20):  # RFC 1870, 5
        return BAD_PARAMETER
    draft.size = int(value)
    return TOO_LARGE if draft.size > limits.size else None  # RFC 1870, 6.1


def _body(_draft: Draft, value: str, _limits: Limits) -> Reply | None:
    # Whether the content is 8-bit is measured, so that the declaration needs no keeping.
    return None if value.upper() in ("7BIT", "8BITMIME") else BAD_PARAMETER  # RFC 6152, 2


def _smtputf8(draft: Draft, value: str, _limits: Limits) -> Reply | None:
    draft.smtputf8 = True
    return BAD_PARAMETER if value else None  # RFC 6531, 3.4


EXTENSIONS: Final = (
    Extension(keyword="PIPELINING"),  # RFC 2920
    Extension(keyword="SIZE", argument=lambda limits: str(limits.size), mail={"SIZE": _size}),  # RFC 1870
    Extension(keyword="8BITMIME", mail={"BODY": _body}),  # RFC 6152
    Extension(keyword="SMTPUTF8", mail={"SMTPUTF8": _smtputf8}),  # RFC 6531
    Extension(keyword="ENHANCEDSTATUSCODES"),  # RFC 2034
)
STARTTLS: Final = Extension(keyword="STARTTLS")  # RFC 3207; offered only where it can be had

MAIL_PARAMETERS: Final = {name: take for extension in EXTENSIONS for name, take in extension.mail.items()}
