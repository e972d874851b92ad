"""What the evidence keeps of a handshake: the certificate and how it stood, also where nothing required it."""

from percorso.core.evidence.record import TlsFacts
from percorso.core.tls.handshake import Handshake
from percorso.core.tls.names import any_name_matches
from percorso.core.tls.requirement import TlsVersion

MAX_NAMES = 20  # kept in a record; a certificate may hold thousands


def tls_facts(handshake: Handshake) -> TlsFacts:
    """The facts of a connection; all empty in plaintext."""
    if not handshake.encrypted:
        return TlsFacts()
    weak = handshake.version < TlsVersion.TLS_1_2
    version = str(TlsVersion(handshake.version))
    if not handshake.chain:
        return TlsFacts(
            version=version, cipher=handshake.cipher, reference_name=handshake.reference_name, weak=weak,
            verify_error="no certificate",
        )  # fmt: skip
    leaf = handshake.chain[0]
    verdict = handshake.verdicts.get("")
    trusted = verdict is not None and verdict.trusted and leaf.server_purpose
    return TlsFacts(
        version=version,
        cipher=handshake.cipher,
        reference_name=handshake.reference_name,
        trusted=trusted,
        name_matches=any_name_matches(leaf.names, (handshake.reference_name,)),
        verify_error="" if trusted else _why_not(handshake),
        subject=leaf.subject,
        issuer=leaf.issuer,
        names=leaf.names[:MAX_NAMES],
        not_after=leaf.not_after,
        fingerprint=leaf.fingerprint,
        spki=leaf.spki,
        weak=weak,
    )


def _why_not(handshake: Handshake) -> str:
    verdict = handshake.verdicts.get("")
    if verdict is None:
        return "not verified"
    return verdict.error or "the certificate is not for a TLS server"
