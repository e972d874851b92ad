"""The parameters of delivery status notifications: taken from commands, and written into them (RFC 3461).

`ENVID` and `ORCPT` are kept in the encoding of the command (xtext), so that they go on as they came.
"""

import re
from typing import Final

import msgspec

from percorso.core.mail.envelope import Envelope, RecipientParameters

MAX_ENVID: Final = 100  # characters, RFC 3461, 4.4
MAX_ORCPT: Final = 500  # characters, RFC 3461, 4.2

# RFC 3461, 4: what is encoded must be printable too, so that nothing in it can end a line.
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+(?:[2-6][0-9A-F]|7[0-9A-E]))+")
_UTF8_XTEXT: Final = re.compile(r"(?:[!-*,-<>-\[\]-~]|\\x\{[0-9A-F]{2,6}\})+")  # RFC 6533, 3
_TYPE: Final = re.compile(r"[A-Za-z0-9-]{1,40}")
_WHEN: Final = frozenset({"SUCCESS", "FAILURE", "DELAY"})


def is_xtext(value: str) -> bool:
    """Whether the value is text in the encoding of parameters (RFC 3461, 4)."""
    return _XTEXT.fullmatch(value) is not None


def parse_ret(value: str) -> str | None:
    """RET's value, upper case, or None where it is not one (RFC 3461, 4.3)."""
    return value.upper() if value.upper() in {"FULL", "HDRS"} else None


def parse_envid(value: str) -> str | None:
    """ENVID's value, or None where it is not one (RFC 3461, 4.4)."""
    return value if len(value) <= MAX_ENVID and is_xtext(value) else None


def take_notify(parameters: RecipientParameters, value: str) -> RecipientParameters | None:
    """NOTIFY's value taken in, or None where it is not one (RFC 3461, 4.1)."""
    words = value.upper().split(",")
    if words != ["NEVER"] and (len(set(words)) < len(words) or not _WHEN.issuperset(words)):
        return None
    return msgspec.structs.replace(parameters, notify=tuple(words))


def take_orcpt(parameters: RecipientParameters, value: str) -> RecipientParameters | None:
    """ORCPT's value taken in, or None where it is not one (RFC 3461, 4.2). A UTF-8 address comes to be ASCII."""
    kind, _, address = value.partition(";")
    written = _TYPE.fullmatch(kind) and _orcpt_address(kind, address)
    orcpt = f"{kind};{written}"
    return msgspec.structs.replace(parameters, orcpt=orcpt) if written and len(orcpt) <= MAX_ORCPT else None


def _orcpt_address(kind: str, address: str) -> str | None:
    if kind.lower() != "utf-8":
        return address if is_xtext(address) else None
    plain = "".join(sign if sign.isascii() else rf"\x{{{ord(sign):X}}}" for sign in address)
    return plain if _UTF8_XTEXT.fullmatch(plain) or is_xtext(plain) else None


def mail_words(envelope: Envelope) -> str:
    """What MAIL says to a server that offers DSN, with a space before each word."""
    words = (("RET", envelope.ret), ("ENVID", envelope.envid))
    return "".join(f" {keyword}={value}" for keyword, value in words if value)


def rcpt_words(parameters: RecipientParameters) -> str:
    """What RCPT says to a server that offers DSN, with a space before each word."""
    words = (("NOTIFY", ",".join(parameters.notify)), ("ORCPT", parameters.orcpt))
    return "".join(f" {keyword}={value}" for keyword, value in words if value)
