"""Certificates of every kind that a peer may show, made in milliseconds."""

import datetime
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM
SERVER_AUTH = (ExtendedKeyUsageOID.SERVER_AUTH,)
CLIENT_AUTH = (ExtendedKeyUsageOID.CLIENT_AUTH,)


KEY_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def key_usage(**allowed: bool) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in KEY_USAGES})


@dataclass(frozen=True)
class Pair:
    """A key with its certificate and those above it, the leaf first."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain_pem(self) -> bytes:
        return b"".join(certificate.public_bytes(PEM) for certificate in (self.certificate, *self.above))

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    @property
    def der(self) -> tuple[bytes, ...]:
        return tuple(c.public_bytes(serialization.Encoding.DER) for c in (self.certificate, *self.above))

    def configure(self, context: ssl.SSLContext) -> ssl.SSLContext:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.chain_pem + self.key_pem)
            file.flush()
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # weak keys are among the kinds
            context.load_cert_chain(file.name)
        return context

    @cached_property
    def server_context(self) -> ssl.SSLContext:
        return self.configure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def write(self, directory: Path) -> tuple[Path, Path]:
        certificate, key = directory / "certificate.pem", directory / "key.pem"
        certificate.write_bytes(self.chain_pem)
        key.write_bytes(self.key_pem)
        return certificate, key


class Dates(TypedDict, total=False):
    """What may be other than usual about a certificate's dates."""

    not_before: datetime.datetime
    not_after: datetime.datetime


def build(
    common_name: str,
    *,
    issuer: Pair | None = None,
    names: Sequence[str] = (),
    extensions: Sequence[x509.ExtensionType] = (),
    rsa_bits: int = 0,
    **dates: Unpack[Dates],
) -> Pair:
    key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates.get("not_before", NOW - DAY))
        .not_valid_after(dates.get("not_after", NOW + 30 * DAY))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=not isinstance(extension, x509.ExtendedKeyUsage))
    signed = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    if issuer is None:
        return Pair(key, signed)
    return Pair(key, signed, issuer.above if _self_issued(issuer) else (issuer.certificate, *issuer.above))


def _self_issued(pair: Pair) -> bool:
    return pair.certificate.issuer == pair.certificate.subject


def authority(
    common_name: str = "Test CA",
    *,
    issuer: Pair | None = None,
    is_ca: bool = True,
    usages: Sequence[x509.ObjectIdentifier] = (),
    **dates: Unpack[Dates],
) -> Pair:
    usage = key_usage(key_cert_sign=True, crl_sign=True) if is_ca else key_usage(digital_signature=True)
    basic = x509.BasicConstraints(ca=is_ca, path_length=None)
    purposes = (x509.ExtendedKeyUsage(list(usages)),) if usages else ()
    return build(common_name, issuer=issuer, extensions=(basic, usage, *purposes), **dates)


def server(
    issuer: Pair | None,
    *names: str,
    usages: Sequence[x509.ObjectIdentifier] = SERVER_AUTH,
    rsa_bits: int = 0,
    **dates: Unpack[Dates],
) -> Pair:
    """A leaf for `names`; without an issuer it is self-signed."""
    return build(
        names[0] if names else "nameless",
        issuer=issuer,
        names=names,
        extensions=(
            x509.BasicConstraints(ca=False, path_length=None),
            *((x509.ExtendedKeyUsage(list(usages)),) if usages else ()),
        ),
        rsa_bits=rsa_bits,
        **dates,
    )


def root_file(directory: Path, *roots: Pair, name: str = "roots.pem") -> str:
    path = directory / name
    path.write_bytes(b"".join(root.certificate.public_bytes(PEM) for root in roots))
    return str(path)
