"""What a connection showed of itself: the facts that `judge` weighs. Built at the edge."""

import msgspec


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate of the peer's chain, as read from its DER."""

    subject: str
    issuer: str
    names: tuple[str, ...]  # subjectAltName dNSName, lower-case A-labels
    not_before: float  # unix seconds
    not_after: float
    fingerprint: str  # SHA-256 of the certificate, hex
    spki: str  # SHA-256 of SubjectPublicKeyInfo, hex
    server_purpose: bool  # key usage and extended key usage allow a TLS server (RFC 5280, 4.2.1.12)


class ChainVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """OpenSSL's word on the chain against one set of trust anchors; `error` is empty when it holds.

    Expiry is told apart (`expired`), because it is a failure type of its own.
    """

    trusted: bool
    expired: bool = False
    error: str = ""


class Handshake(msgspec.Struct, frozen=True, kw_only=True):
    """The TLS state of one outbound connection, taken right after the handshake.

    A plaintext connection has `version` 0 and, in `refusal`, why there is no TLS.
    """

    version: int = 0  # a `TlsVersion`, 0 in plaintext
    cipher: str = ""
    reference_name: str = ""  # the name that the peer ought to have
    chain: tuple[Certificate, ...] = ()  # the leaf first
    verdicts: dict[str, ChainVerdict] = msgspec.field(default_factory=dict)  # by CA file; "" is the trust store
    at: float = 0.0  # unix seconds of the handshake
    requiretls_offered: bool = False  # in the EHLO after TLS
    name_authenticated: bool = False  # the reference name was configured, or came through validated DNS answers
    tlsa_match: bool | None = None  # None: no TLSA records were asked to match
    refusal: str = ""  # "not offered", or the reply to STARTTLS

    @property
    def encrypted(self) -> bool:
        """Whether bytes on this connection are encrypted."""
        return self.version > 0
