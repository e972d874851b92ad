"""From a finished handshake to the facts that the judge weighs."""

import hashlib
from typing import Final

from percorso.core.tls.handshake import Certificate, Handshake
from percorso.core.tls.requirement import TlsVersion
from percorso.net.tls.chain import peer_chain, read_certificate
from percorso.net.tls.engine import TlsEngine
from percorso.net.tls.trust import Trust
from percorso.ports.dialer import TlsOffer

MAX_CERTIFICATES: Final = 10_000  # kept at once


class HandshakeReader:
    """Reads handshakes, keeping what it read of certificates seen before."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._certificates: dict[bytes, Certificate] = {}

    def read(self, engine: TlsEngine, offer: TlsOffer, *, now: float) -> Handshake:
        """The facts of an established connection at `now`, unix seconds."""
        connection = engine.ssl_object
        cipher = connection.cipher()
        ders = peer_chain(connection)
        chain = tuple([self._certificate(der) for der in ders])
        return Handshake(
            version=TlsVersion.parse(connection.version() or ""),
            cipher=cipher[0] if cipher else "",
            reference_name=offer.reference_name,
            chain=chain,
            verdicts={
                ca_file: self._trust.verdict(ders, chain, ca_file=ca_file, now=now) for ca_file in ("", *offer.ca_files)
            },
            at=now,
        )

    def _certificate(self, der: bytes) -> Certificate:
        digest = hashlib.sha256(der).digest()
        known = self._certificates.get(digest)
        if known is None:
            if len(self._certificates) >= MAX_CERTIFICATES:
                self._certificates.clear()
            known = self._certificates[digest] = read_certificate(der)
        return known
