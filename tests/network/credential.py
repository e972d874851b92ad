"""What a peer shows in a handshake: certificates of every kind, as the facts that the edge would record of them."""

import hashlib

import msgspec

from percorso.core.tls.handshake import Certificate, ChainVerdict, Handshake
from percorso.core.tls.requirement import TlsVersion
from percorso.ports.dialer import TlsOffer

UNKNOWN_ISSUER = "unable to get local issuer certificate"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A peer's TLS: the best version that it speaks, its certificate, and who trusts that."""

    version: int = TlsVersion.TLS_1_3
    names: tuple[str, ...] | None = None
    """The certificate's names; None is the peer's own name."""
    trusted: bool = True
    """By the trust store."""
    ca_files: tuple[str, ...] = ()
    """The CA files whose CAs vouch for it."""
    expired: bool = False
    server_purpose: bool = True
    key: str = "peer"
    """Whatever tells keys apart; `spki` is its digest."""

    @property
    def spki(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()

    def handshake(self, peer: str, offer: TlsOffer, *, at: float) -> Handshake:
        """The facts that a dialer records of this peer under this offer."""
        names = (peer,) if self.names is None else self.names
        leaf = Certificate(
            subject=f"CN={names[0] if names else peer}",
            issuer="CN=Test CA" if self.trusted or self.ca_files else f"CN={peer}",
            names=names,
            not_before=at - 1000,
            not_after=at - 10 if self.expired else at + 1000,
            fingerprint=hashlib.sha256(repr(self).encode() + peer.encode()).hexdigest(),
            spki=self.spki,
            server_purpose=self.server_purpose,
        )
        return Handshake(
            version=self.version,
            cipher="TLS_AES_256_GCM_SHA384",
            reference_name=offer.reference_name,
            chain=(leaf,),
            verdicts={file: self._verdict(file) for file in ("", *offer.ca_files)},
            at=at,
        )

    def _verdict(self, ca_file: str) -> ChainVerdict:
        if not (ca_file in self.ca_files if ca_file else self.trusted):
            return ChainVerdict(trusted=False, error=UNKNOWN_ISSUER)
        if self.expired:
            return ChainVerdict(trusted=False, expired=True, error="certificate has expired")
        return ChainVerdict(trusted=True)


GOOD = Credential()
SELF_SIGNED = Credential(trusted=False)
EXPIRED = Credential(expired=True)
WRONG_NAME = Credential(names=("other.example",))
WILDCARD = Credential(names=("*.bank.test",))
NAMELESS = Credential(names=())
CLIENT_ONLY = Credential(server_purpose=False)
OLD_TLS = Credential(version=TlsVersion.TLS_1_0)
TLS_1_2 = Credential(version=TlsVersion.TLS_1_2)
KINDS = (GOOD, SELF_SIGNED, EXPIRED, WRONG_NAME, WILDCARD, NAMELESS, CLIENT_ONLY, OLD_TLS, TLS_1_2)
