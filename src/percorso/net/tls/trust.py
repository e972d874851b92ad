"""OpenSSL's word on a chain against a set of trust anchors.

1. "" is the trust store: `[tls] ca_file` where it is set, else `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's.
   Any other name is a PEM file of a setting's own, whose certificates are anchors whether or not they are roots.
2. A file that cannot be read trusts nobody, and says so; it is read again when it has changed.
3. `expired` is said of a chain that is fine but for its dates.
4. OpenSSL does not look here at what it would in a handshake: so weak signatures and keys, and issuers that may not
   issue for servers, are refused here. The leaf's purpose is the judge's.
5. Verdicts are kept, so that the next connection to a peer costs nothing, but never past a date in the chain.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto

from percorso.core.tls.handshake import Certificate, ChainVerdict

MAX_VERDICTS: Final = 10_000  # kept at once
KEPT_FOR: Final = 3600.0  # seconds
MIN_KEY_BITS: Final = 2048  # RSA and DSA: 112 bits of security (RFC 9325, 4.5)

_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME
_WEAK_HASHES: Final = frozenset({"md5", "sha1"})
_SYSTEM_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

_Anchors = tuple[str | None, str | None]  # a file, a directory
_Key = tuple[tuple[str, ...], str, int]  # fingerprints, CA file, the time of its last change


def trust_store(ca_file: str = "", environ: Mapping[str, str] = os.environ) -> _Anchors:
    """Where the trust store is: a file, a directory, or neither, which trusts nobody."""
    if ca_file:
        return ca_file, None
    file, directory = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if file or directory:
        return file or None, directory or None
    bundle = next((path for path in _SYSTEM_BUNDLES if Path(path).exists()), None)
    if bundle:
        return bundle, None
    paths = ssl.get_default_verify_paths()
    return paths.cafile, paths.capath


class Trust:
    """Verifies chains, keeping stores and verdicts."""

    def __init__(self, ca_file: str = "") -> None:
        self._system = trust_store(ca_file)
        self._stores: dict[tuple[str, bool], tuple[int, crypto.X509Store]] = {}
        self._verdicts: dict[_Key, tuple[float, ChainVerdict]] = {}

    def verdict(
        self, ders: tuple[bytes, ...], chain: tuple[Certificate, ...], *, ca_file: str, now: float
    ) -> ChainVerdict:
        """The verdict on the chain, given as DER and as read, against one set of anchors.

        `now` (unix seconds) tells whether a kept verdict still stands; OpenSSL itself goes by the system's time.
        """
        anchors = (ca_file, None) if ca_file else self._system
        key = (tuple(certificate.fingerprint for certificate in chain), ca_file, _changed(anchors))
        kept = self._verdicts.get(key)
        if kept and now < kept[0]:
            return kept[1]
        verdict = self._verify(ders, ca_file)
        if len(self._verdicts) >= MAX_VERDICTS:
            self._verdicts.clear()
        self._verdicts[key] = (_good_until(chain, now), verdict)
        return verdict

    def _verify(self, ders: tuple[bytes, ...], ca_file: str) -> ChainVerdict:
        if not ders:
            return ChainVerdict(trusted=False, error="no certificate")
        try:
            presented = [crypto.X509.from_cryptography(x509.load_der_x509_certificate(der)) for der in ders]
            verdict = _verified(self._store(ca_file, ignoring_dates=False), presented)
            if not verdict.expired:
                return verdict
            # Expired, but is that all? Else the worse is the reason.
            sound = _verified(self._store(ca_file, ignoring_dates=True), presented)
        except (crypto.Error, OSError, ValueError) as error:
            where = ca_file or "the trust store"
            return ChainVerdict(trusted=False, error=f"cannot be verified against {where}: {_text(error)}")
        return verdict if sound.trusted else sound

    def _store(self, ca_file: str, *, ignoring_dates: bool) -> crypto.X509Store:
        anchors = (ca_file, None) if ca_file else self._system
        changed = _changed(anchors)
        kept = self._stores.get((ca_file, ignoring_dates))
        if kept and kept[0] == changed:
            return kept[1]
        store = crypto.X509Store()
        flags = (crypto.X509StoreFlags.PARTIAL_CHAIN if ca_file else 0) | (_NO_CHECK_TIME if ignoring_dates else 0)
        if flags:
            store.set_flags(flags)
        if any(anchors):
            store.load_locations(*anchors)
        self._stores[ca_file, ignoring_dates] = (changed, store)
        return store


def _changed(anchors: _Anchors) -> int:
    """When the file was last changed; 0 where there is none."""
    try:
        return Path(anchors[0]).stat().st_mtime_ns if anchors[0] else 0
    except OSError:
        return 0


def _good_until(chain: tuple[Certificate, ...], now: float) -> float:
    dates = (date for certificate in chain for date in (certificate.not_before, certificate.not_after))
    return min((now + KEPT_FOR, *(date for date in dates if date > now)))


def _verified(store: crypto.X509Store, presented: list[crypto.X509]) -> ChainVerdict:
    try:
        verified = crypto.X509StoreContext(store, presented[0], presented[1:]).get_verified_chain()
    except crypto.X509StoreContextError as error:
        return ChainVerdict(trusted=False, expired=error.errors[0] == _EXPIRED, error=str(error))
    return _weakness(verified)


def _text(error: Exception) -> str:
    """OpenSSL's errors are lists of (library, function, reason)."""
    first = error.args[0] if error.args else ""
    if isinstance(error, crypto.Error) and isinstance(first, list):
        return "; ".join(str(reason) for *_, reason in first) or "it cannot be read"
    return str(error)


def _weakness(verified: list[crypto.X509]) -> ChainVerdict:
    """Whether all below the anchor are strong enough, and the issuers may issue for TLS servers."""
    *below, _anchor = (certificate.to_cryptography() for certificate in verified)
    for depth, certificate in enumerate(below):
        algorithm = certificate.signature_hash_algorithm  # None: EdDSA, which has none
        if algorithm is not None and algorithm.name in _WEAK_HASHES:
            return ChainVerdict(trusted=False, error=f"signed with {algorithm.name.upper()}, which is broken")
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < MIN_KEY_BITS:
            return ChainVerdict(trusted=False, error=f"a key of {key.key_size} bits is too short")
        if depth and not _may_issue(certificate):
            return ChainVerdict(trusted=False, error="the issuer may not issue for TLS servers")
    return ChainVerdict(trusted=True)


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in purposes or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purposes
