"""Handshakes of every kind, as values."""

from percorso.core.tls.handshake import Certificate, ChainVerdict, Handshake
from percorso.core.tls.requirement import TlsVersion

MX = "mx.bank.test"
SPKI = "5b" * 32
TRUSTED = ChainVerdict(trusted=True)
UNKNOWN_CA = ChainVerdict(trusted=False, error="unable to get local issuer certificate")
EXPIRED = ChainVerdict(trusted=False, expired=True, error="certificate has expired")
PLAINTEXT = Handshake(reference_name=MX, refusal="not offered")


def certificate(*names: str, spki: str = SPKI, server_purpose: bool = True) -> Certificate:
    return Certificate(
        subject=f"CN={names[0]}" if names else "CN=nameless",
        issuer="CN=Test CA",
        names=names,
        not_before=0.0,
        not_after=4e9,
        fingerprint="f1" * 32,
        spki=spki,
        server_purpose=server_purpose,
    )


def handshake(
    leaf: Certificate | None = None,
    *,
    version: int = TlsVersion.TLS_1_3,
    tlsa_match: bool | None = None,
    requiretls: bool = False,
    name_authenticated: bool = True,
    reference_name: str = MX,
    **verdicts: ChainVerdict,
) -> Handshake:
    """A good one unless told otherwise. `store=` is the trust store's verdict, other keywords are CA files'."""
    return Handshake(
        version=version,
        cipher="TLS_AES_256_GCM_SHA384",
        reference_name=reference_name,
        chain=(leaf or certificate(MX),),
        verdicts={
            "" if name == "store" else name: verdict for name, verdict in ({"store": TRUSTED} | verdicts).items()
        },
        requiretls_offered=requiretls,
        name_authenticated=name_authenticated,
        tlsa_match=tlsa_match,
    )
