"""The peer's certificates after a handshake, read from their DER into core values."""

import hashlib
import ssl
import warnings
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID

from percorso.core.tls.handshake import Certificate

MAX_CHAIN: Final = 20
"""Certificates of a chain that are looked at; a longer one is not trusted for want of the rest."""

_DER: Final = 2  # _ssl.ENCODING_DER


def peer_chain(connection: ssl.SSLObject) -> tuple[bytes, ...]:
    """The DER of every certificate that the peer sent, the leaf first; whatever it is worth."""
    # The method is public from Python 3.13 on; before, only the object beneath has it, and gives objects.
    public = getattr(connection, "get_unverified_chain", None)
    if public is not None:
        return tuple(public()[:MAX_CHAIN])
    beneath: Any = connection._sslobj  # type: ignore[attr-defined]
    return tuple(certificate.public_bytes(_DER) for certificate in (beneath.get_unverified_chain() or ())[:MAX_CHAIN])


def read_certificate(der: bytes) -> Certificate:
    """The facts of one certificate. One that cannot be read has no name and no purpose, and says why as its subject."""
    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # odd ones are the judge's to refuse
            return _read(x509.load_der_x509_certificate(der), fingerprint)
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return Certificate(
            subject=f"(unreadable: {error})",
            issuer="",
            names=(),
            not_before=0.0,
            not_after=0.0,
            fingerprint=fingerprint,
            spki="",
            server_purpose=False,
        )


def _read(certificate: x509.Certificate, fingerprint: str) -> Certificate:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=_names(certificate),
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        fingerprint=fingerprint,
        spki=hashlib.sha256(key).hexdigest(),
        server_purpose=may_serve(certificate),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower().removesuffix(".") for name in names.get_values_for_type(x509.DNSName))


def may_serve(certificate: x509.Certificate) -> bool:
    """Whether key usage and extended key usage, where they are there, allow a TLS server (RFC 5280, 4.2.1.3 and 12)."""
    extensions = certificate.extensions
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        pass
    else:
        if not (usage.digital_signature or usage.key_encipherment or usage.key_agreement):
            return False
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in purposes
