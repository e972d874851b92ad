"""The envelope: who sent a message, to whom, and how it asked to be carried."""

import msgspec

from percorso.core.mail.address import Address


class RecipientParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What RCPT asked for (RFC 3461, 4.1 and 4.2); empty where it asked nothing."""

    notify: tuple[str, ...] = ()
    orcpt: str = ""


class EnvelopeRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of a message, with its DSN parameters."""

    address: Address
    parameters: RecipientParameters = RecipientParameters()


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """MAIL FROM with its parameters. A `sender` of None is the null sender `<>`."""

    sender: Address | None
    eight_bit: bool = False  # BODY=8BITMIME, RFC 6152
    smtputf8: bool = False  # the content is internationalized, RFC 6532; addresses tell for themselves
    requiretls: bool = False  # RFC 8689
    ret: str = ""  # "FULL" or "HDRS", RFC 3461, 4.3
    envid: str = ""  # RFC 3461, 4.4


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """How a message came in: evidence of the first leg, and what the decision asks of it."""

    client: str  # the peer's IP address
    helo: str
    listener: str  # the address that it came to, "host:port"
    tls_version: str = ""  # "" is plaintext
    tls_cipher: str = ""
    account: str = ""  # the AUTH account
    host: str = ""  # the configured host that it came from, by network, certificate or AUTH
    own_report: bool = False  # an alert or a TLS report of our own
