"""The evidence of one attempt for one recipient: the decision, the TLS facts, the reply.

Who wrote to whom is personal. It is kept apart (`Parties`) and enters the record only as a
salted digest, so that one person's data can be erased and the chain still verifies.
"""

import re
from typing import Final

import msgspec

_LOCAL_PART: Final = re.compile(r"""("[^"]*"|[^\s<>()\[\],;:"]+)@""")


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the connection was; all empty in plaintext."""

    version: str = ""  # "1.3"
    cipher: str = ""
    reference_name: str = ""
    trusted: bool = False  # the chain leads to a trusted CA
    name_matches: bool = False
    verify_error: str = ""
    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    not_after: float = 0.0
    fingerprint: str = ""  # SHA-256 of the leaf, hex
    spki: str = ""
    weak: bool = False  # below TLS 1.2


class TargetTried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One target that the attempt tried before the one that settled it."""

    target: str
    alternate: bool = False
    failure: str = ""  # a typed secure-transport failure
    reply: str = ""  # without addresses, because a record is kept when its parties are erased


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    """The personal part of a record."""

    sender: str
    recipient: str
    reply: str = ""
    message_id: str = ""
    salt: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of one attempt for one recipient."""

    at: float  # unix seconds of the settlement
    node: str
    queue_id: str
    attempt: int  # 1 is the first
    status: str  # `Status`: delivered, deferred, failed, uncertain
    recipient_domain: str
    accepted_at: float = 0.0
    size: int = 0
    requirement: str = ""
    reason: str = ""
    rules: tuple[str, ...] = ()
    unit: str = "/"
    settings_version: int = 0
    route: str = ""  # "direct" or "host NAME"
    alternate: bool = False
    target: str = ""  # "mx1.bank.test[192.0.2.1]:25"
    secure: bool = False  # the leg that delivered it was encrypted
    tls: TlsFacts = TlsFacts()
    failure: str = ""  # the typed failure, where there is one
    code: int = 0
    enhanced: str = ""
    tried: tuple[TargetTried, ...] = ()
    arrival_client: str = ""
    arrival_tls: str = ""
    queue_seconds: float = 0.0
    parties: str = ""
    """SHA-256 over the encoded `Parties`, hex; set by the chain."""


def without_addresses(text: str) -> str:
    """A peer's words as a record may keep them: whom it names is left out, of an address only the domain stays."""
    return _LOCAL_PART.sub("…@", text)
