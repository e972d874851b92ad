"""What mends each secure-transport failure, and whose it is to do."""

import enum
from typing import Final

import msgspec

from percorso.core.tls.result import FailureType


class By(enum.StrEnum):
    """Who can mend it."""

    RECEIVER = "whoever runs the receiving server"
    US = "us"


class Mend(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and who."""

    by: By
    text: str


def _theirs(text: str) -> Mend:
    return Mend(by=By.RECEIVER, text=text)


MENDS: Final[dict[FailureType, Mend]] = {
    FailureType.STARTTLS_NOT_SUPPORTED: _theirs(
        "offer STARTTLS on this server; where it does, look for a firewall that takes it out of EHLO's answer"
    ),
    FailureType.TLS_HANDSHAKE_FAILURE: _theirs(
        "look into the server's log of that moment: certificate and key must load, and a version and cipher must "
        "be in common (TLS 1.2 with ECDHE and AES-GCM, or TLS 1.3)"
    ),
    FailureType.TLS_VERSION_TOO_LOW: _theirs("enable TLS 1.2 or 1.3"),
    FailureType.CERTIFICATE_NOT_TRUSTED: _theirs(
        "install a certificate of a public CA with its whole chain; for a server of one's own, name its CA "
        "(`ca_file`) or key (`pin`) in the settings instead"
    ),
    FailureType.CERTIFICATE_HOST_MISMATCH: _theirs(
        "install a certificate that bears the name of the MX record; or tell the name that it does bear as `match` "
        "in the settings"
    ),
    FailureType.CERTIFICATE_EXPIRED: _theirs("renew the certificate"),
    FailureType.STS_MX_MISMATCH: _theirs(
        "name this server in the MTA-STS policy of the domain, or take it out of the MX records"
    ),
    FailureType.STS_CERTIFICATE_INVALID: _theirs(
        "install a certificate of a public CA for the name of the MX record, as the domain's MTA-STS policy promises"
    ),
    FailureType.DANE_REQUIRED: _theirs("publish TLSA records for this server in a signed zone"),
    FailureType.DANE_MISMATCH: _theirs(
        "publish the TLSA record of the key that is in use; when changing keys, publish the new record first"
    ),
    FailureType.TLSA_INVALID: _theirs("correct the TLSA records of this server"),
    FailureType.DNSSEC_INVALID: _theirs("mend the signatures of the zone"),
    FailureType.REQUIRETLS_NOT_SUPPORTED: _theirs(
        "offer REQUIRETLS (RFC 8689); until then the sender can send without it"
    ),
}
