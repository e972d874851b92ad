"""SSL contexts: one for each kind of listener and of offer, made once.

None of them verifies: every certificate is taken, shown and judged afterwards, so that the evidence has it even where
nothing requires it, and a refusal names its reason. So a context holds versions, ciphers and our own certificate only.
No session is ever resumed outbound: a resumed one would not show the certificate again.
"""

import hashlib
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from percorso.core.tls.requirement import TlsVersion
from percorso.ports.dialer import TlsOffer

# Mozilla's "intermediate" profile for TLS 1.2 (RFC 9325, 4.2); TLS 1.3's own suites are OpenSSL's.
SERVER_CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
)
# Old TLS beats plaintext (RFC 7435), so what has no floor takes what OpenSSL still has. None of it is anonymous.
LOWEST_CIPHERS: Final = "DEFAULT:@SECLEVEL=0"
FLOOR_CIPHERS: Final = "DEFAULT:@SECLEVEL=2"  # at least 112 bits

_VERSIONS: Final = {
    TlsVersion.TLS_1_0: ssl.TLSVersion.MINIMUM_SUPPORTED,  # below it is only SSLv3, which is always off
    TlsVersion.TLS_1_1: ssl.TLSVersion.MINIMUM_SUPPORTED,  # naming 1.1 warns; the judge refuses 1.0
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}


class BadCertificateFile(ValueError):
    """A certificate and its key cannot be used; the message says which and why."""


def server_context(certificate: Path, key: Path, *, min_version: int = TlsVersion.TLS_1_2) -> ssl.SSLContext:
    """A listener's context. Asks for no client certificate. Raises `BadCertificateFile`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[TlsVersion(min_version)]
    context.set_ciphers(SERVER_CIPHERS if min_version >= TlsVersion.TLS_1_2 else LOWEST_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    _load_pair(context, certificate, key)
    return context


class ServerTls:
    """The listeners' certificate in use; what is read again serves the connections that begin from then on."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises `BadCertificateFile`."""
        self._pair = (certificate, key)
        self._context = server_context(certificate, key)

    def context(self) -> ssl.SSLContext:
        """For a connection that begins now."""
        return self._context

    def reload(self) -> None:
        """Read the files again. Raises `BadCertificateFile`; what was in use stays in use then."""
        self._context = server_context(*self._pair)


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # An encrypted key would make OpenSSL ask on the terminal: it gets an empty password and fails.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise BadCertificateFile(
            f"certificate {certificate} and key {key} cannot be used: {reason}; "
            "both must be readable PEM files, belong together, and the key must have no password"
        ) from None


class ClientContexts:
    """The contexts that we dial with, by kind of offer.

    `secret` gives a named secret's octets: a PEM file with a client certificate, its chain and its key.
    """

    def __init__(self, secret: Callable[[str], bytes] | None = None) -> None:
        self._secret = secret
        self._contexts: dict[tuple[int, str], tuple[bytes, ssl.SSLContext]] = {}

    def context(self, offer: TlsOffer) -> ssl.SSLContext:
        """The context for the offer; raises `BadCertificateFile` for a client certificate that cannot be used.

        A client certificate is the one that its secret holds now.
        """
        name = offer.client_certificate_secret
        certificate = self._client_certificate(name) if name else b""
        digest = hashlib.sha256(certificate).digest()
        made_of, context = self._contexts.get((offer.min_version, name), (b"", None))
        if context is None or made_of != digest:
            context = _client_context(offer.min_version)
            if certificate:
                _load_client_certificate(context, name, certificate)
            self._contexts[offer.min_version, name] = digest, context
        return context

    def _client_certificate(self, name: str) -> bytes:
        if self._secret is None:
            raise BadCertificateFile(f"the client certificate {name!r} is asked for, but there is no store of secrets")
        try:
            return self._secret(name)
        except LookupError as error:
            raise BadCertificateFile(f"the client certificate cannot be had: {error.args[0]}") from None


def _client_context(min_version: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = _VERSIONS[TlsVersion(min_version)] if min_version else ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(FLOOR_CIPHERS if min_version >= TlsVersion.TLS_1_2 else LOWEST_CIPHERS)
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _load_client_certificate(context: ssl.SSLContext, name: str, certificate: bytes) -> None:
    # OpenSSL reads a chain only from a file; this one is readable by us alone and gone at once.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate)
        file.flush()
        try:
            context.load_cert_chain(file.name, password="")
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or str(error)
            raise BadCertificateFile(
                f"the client certificate in secret {name!r} cannot be used: {reason}; "
                "it must be PEM: the certificate, its chain, and its key without a password"
            ) from None
