"""What the server offers in EHLO, and what each extension adds to MAIL and RCPT: one entry for each.

A new extension is an `Extension` in `_ALWAYS` or one of the tuples beside it, its parameters' functions above them, and
its commands in `server`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from percorso.core.mail.address import Address
from percorso.core.mail.envelope import EnvelopeRecipient, RecipientParameters
from percorso.core.mail.reply import Reply
from percorso.core.smtp import dsn
from percorso.core.smtp.auth import MECHANISMS
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


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """How a session comes to TLS, and whether the client must say who it is."""

    starttls: bool = False
    """TLS can be had by STARTTLS."""
    encrypted: bool = False
    """The connection is encrypted from its first octet (RFC 8314, 3), or by now."""
    auth: bool = False
    """Clients must authenticate before MAIL, and can do so only over TLS."""


class Draft(msgspec.Struct, kw_only=True):
    """A transaction while the client is telling it."""

    sender: Address | None
    size: int = 0  # as declared
    smtputf8: bool = False
    requiretls: bool = False
    ret: str = ""
    envid: str = ""
    recipients: list[EnvelopeRecipient] = msgspec.field(default_factory=list)
    refused_recipients: int = 0


MailParameter = Callable[[Draft, str, Limits], Reply | None]
"""Takes a parameter of MAIL into the draft; a reply refuses it."""
RcptParameter = Callable[[RecipientParameters, str], RecipientParameters | None]
"""Takes a parameter of RCPT in; None refuses it as malformed."""


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the EHLO reply."""

    keyword: str
    argument: Callable[[Limits], str] = lambda _limits: ""
    mail: dict[str, MailParameter] = {}
    rcpt: dict[str, RcptParameter] = {}

    def line(self, limits: Limits) -> str:
        """As EHLO says it."""
        return f"{self.keyword} {self.argument(limits)}".rstrip()


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """All that is offered at one point of a session."""

    extensions: tuple[Extension, ...]
    mail: dict[str, MailParameter]
    rcpt: dict[str, RcptParameter]


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


def _requiretls(draft: Draft, value: str, _limits: Limits) -> Reply | None:
    draft.requiretls = True
    return BAD_PARAMETER if value else None  # RFC 8689, 2


def _ret(draft: Draft, value: str, _limits: Limits) -> Reply | None:
    draft.ret = dsn.parse_ret(value) or ""
    return None if draft.ret else BAD_PARAMETER


def _envid(draft: Draft, value: str, _limits: Limits) -> Reply | None:
    draft.envid = dsn.parse_envid(value) or ""
    return None if draft.envid else BAD_PARAMETER


def _submitter(_draft: Draft, value: str, _limits: Limits) -> Reply | None:
    # RFC 4954, 5: whoever the client says the submitter is, it is not known to be so, as if it had said AUTH=<>.
    return None if value == "<>" or dsn.is_xtext(value) else BAD_PARAMETER


_ALWAYS: Final[tuple[Extension, ...]] = (
    Extension(keyword="PIPELINING"),  # RFC 2920
    Extension(keyword="SIZE", argument=lambda limits: str(limits.size), mail={"SIZE": _size}),  # RFC 1870
    Extension(keyword="8BITMIME", mail={"BODY": _body}),  # RFC 6152
    Extension(keyword="SMTPUTF8", mail={"SMTPUTF8": _smtputf8}),  # RFC 6531
    Extension(keyword="ENHANCEDSTATUSCODES"),  # RFC 2034
    Extension(  # RFC 3461
        keyword="DSN", mail={"RET": _ret, "ENVID": _envid}, rcpt={"NOTIFY": dsn.take_notify, "ORCPT": dsn.take_orcpt}
    ),
)
_IN_PLAINTEXT: Final = (Extension(keyword="STARTTLS"),)  # RFC 3207
_OVER_TLS: Final = (Extension(keyword="REQUIRETLS", mail={"REQUIRETLS": _requiretls}),)  # RFC 8689, 2
_OVER_TLS_TO_ACCOUNTS: Final = (
    Extension(keyword="AUTH", argument=lambda _limits: " ".join(MECHANISMS), mail={"AUTH": _submitter}),  # RFC 4954
)


@lru_cache
def offered(security: Security) -> Offer:
    """What is offered now."""
    extensions = _ALWAYS
    if security.encrypted:
        extensions += _OVER_TLS + (_OVER_TLS_TO_ACCOUNTS if security.auth else ())
    elif security.starttls:
        extensions += _IN_PLAINTEXT
    return Offer(
        extensions=extensions,
        mail={name: take for extension in extensions for name, take in extension.mail.items()},
        rcpt={name: take for extension in extensions for name, take in extension.rcpt.items()},
    )
