"""Certificates of every kind, through a real handshake, to the judge's word on them."""

import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from OpenSSL import crypto

from percorso.core.tls.judge import judge
from percorso.core.tls.requirement import ENCRYPTED, IdentityClause, Requirement
from percorso.core.tls.result import FailureType as F
from percorso.net.tls import trust as trust_module
from percorso.net.tls.facts import HandshakeReader
from percorso.net.tls.trust import Trust, trust_store
from tests.net.authority import CLIENT_AUTH, DAY, NOW, SERVER_AUTH, Pair, authority, build, key_usage, root_file, server
from tests.net.tls.handshakes import MX, shown_by

CA_HOST = Requirement(encrypted=True, identity=(IdentityClause(ca=True, host=True),))


@pytest.fixture(scope="module")
def root() -> Pair:
    return authority("Root")


@pytest.fixture
def reader(root: Pair, tmp_path: Path) -> HandshakeReader:
    return HandshakeReader(Trust(root_file(tmp_path, root)))


def without_intermediate(root: Pair) -> Pair:
    leaf = server(authority("Between", issuer=root), MX)
    return Pair(leaf.key, leaf.certificate)


def no_server_usage(root: Pair) -> Pair:
    names = x509.SubjectAlternativeName([x509.DNSName(MX)])
    return build(MX, issuer=root, extensions=(key_usage(key_cert_sign=True), names))


def named_by_subject(root: Pair) -> Pair:
    return build(MX, issuer=root, extensions=(x509.ExtendedKeyUsage(list(SERVER_AUTH)),))


KINDS: list[tuple[str, Callable[[Pair], Pair], F | None, str]] = [
    ("good", lambda root: server(root, MX), None, ""),
    ("good by an intermediate", lambda root: server(authority("Between", issuer=root), MX), None, ""),
    ("one name of several", lambda root: server(root, "a.test", MX), None, ""),
    ("wildcard", lambda root: server(root, "*.bank.test"), None, ""),
    ("capitals and a final dot", lambda root: server(root, "MX.Bank.TEST"), None, ""),
    ("without any extended usage", lambda root: server(root, MX, usages=()), None, ""),
    ("RSA", lambda root: server(root, MX, rsa_bits=2048), None, ""),
    ("self-signed", lambda _: server(None, MX), F.CERTIFICATE_NOT_TRUSTED, "self-signed"),
    ("unknown CA", lambda _: server(authority("Other"), MX), F.CERTIFICATE_NOT_TRUSTED, "issuer"),
    ("a CA of the same name", lambda _: server(authority("Root"), MX), F.CERTIFICATE_NOT_TRUSTED, ""),
    ("missing intermediate", without_intermediate, F.CERTIFICATE_NOT_TRUSTED, "issuer"),
    ("expired", lambda root: server(root, MX, not_after=NOW - DAY / 2), F.CERTIFICATE_EXPIRED, "expired"),
    (
        "expired intermediate",
        lambda root: server(authority("Between", issuer=root, not_after=NOW - DAY / 2), MX),
        F.CERTIFICATE_EXPIRED,
        "expired",
    ),
    ("expired and self-signed", lambda _: server(None, MX, not_after=NOW - DAY / 2), F.CERTIFICATE_NOT_TRUSTED, ""),
    (
        "expired and of an unknown CA",
        lambda _: server(authority("Other"), MX, not_after=NOW - DAY / 2),
        F.CERTIFICATE_NOT_TRUSTED,
        "issuer",
    ),
    (
        "expired, with a short key",
        lambda root: server(root, MX, not_after=NOW - DAY / 2, rsa_bits=1024),
        F.CERTIFICATE_NOT_TRUSTED,
        "1024 bits",
    ),
    ("not yet valid", lambda root: server(root, MX, not_before=NOW + DAY), F.CERTIFICATE_NOT_TRUSTED, "not yet valid"),
    ("wrong name", lambda root: server(root, "mx.evil.test"), F.CERTIFICATE_HOST_MISMATCH, "mx.evil.test"),
    ("wrong wildcard", lambda root: server(root, "*.test"), F.CERTIFICATE_HOST_MISMATCH, ""),
    ("named only by its subject", named_by_subject, F.CERTIFICATE_HOST_MISMATCH, "no name"),
    ("for clients only", lambda root: server(root, MX, usages=CLIENT_AUTH), F.CERTIFICATE_NOT_TRUSTED, "TLS server"),
    ("for issuing only", no_server_usage, F.CERTIFICATE_NOT_TRUSTED, "TLS server"),
    (
        "an issuer that is no CA",
        lambda root: server(authority("Between", issuer=root, is_ca=False), MX),
        F.CERTIFICATE_NOT_TRUSTED,
        "CA certificate",
    ),
    (
        "an issuer for clients",
        lambda root: server(authority("Between", issuer=root, usages=CLIENT_AUTH), MX),
        F.CERTIFICATE_NOT_TRUSTED,
        "may not issue",
    ),
    ("a short key", lambda root: server(root, MX, rsa_bits=1024), F.CERTIFICATE_NOT_TRUSTED, "1024 bits"),
]


@pytest.mark.parametrize(("make", "failure", "detail"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS])
def test_kinds(
    root: Pair, reader: HandshakeReader, make: Callable[[Pair], Pair], failure: F | None, detail: str
) -> None:
    shown = shown_by(make(root), reader)
    assert judge(ENCRYPTED, shown).met
    found = judge(CA_HOST, shown).failure
    assert (found and found.type) == failure
    if found:
        assert detail in found.detail


def test_the_certificate_as_read(root: Pair, reader: HandshakeReader) -> None:
    shown = shown_by(server(authority("Between", issuer=root), MX, "*.mail.test"), reader)
    leaf, between = shown.chain
    assert (leaf.subject, leaf.issuer, leaf.names) == (f"CN={MX}", "CN=Between", (MX, "*.mail.test"))
    assert (leaf.not_before, leaf.not_after) == ((NOW - DAY).timestamp(), (NOW + 30 * DAY).timestamp())
    assert (len(leaf.fingerprint), len(leaf.spki), leaf.server_purpose) == (64, 64, True)
    assert not between.server_purpose
    assert (shown.version, shown.reference_name, shown.at) == (0x0304, MX, NOW.timestamp())
    assert shown.cipher.startswith("TLS_")


def test_the_public_key_digest_is_the_usual_one(root: Pair, reader: HandshakeReader) -> None:
    """As `openssl x509 -pubkey | openssl pkey -pubin -outform der | sha256sum` gives it."""
    pair = server(root, MX)
    key = crypto.dump_publickey(crypto.FILETYPE_ASN1, crypto.X509.from_cryptography(pair.certificate).get_pubkey())
    assert shown_by(pair, reader).chain[0].spki == hashlib.sha256(key).hexdigest()


def test_a_ca_of_a_settings_own(root: Pair, reader: HandshakeReader, tmp_path: Path) -> None:
    own = authority("Own")
    file = root_file(tmp_path, own, name="own.pem")
    clause = IdentityClause(ca=True, host=True, ca_file=file)
    required = Requirement(encrypted=True, identity=(clause,))
    assert judge(required, shown_by(server(own, "gw.lan"), reader, file)).met
    assert not judge(required, shown_by(server(root, MX), reader, file)).met
    assert not judge(CA_HOST, shown_by(server(own, MX), reader, file)).met


@pytest.mark.parametrize("kind", ["intermediate", "leaf", "self-signed leaf"])
def test_a_file_of_ones_own_needs_no_root(root: Pair, reader: HandshakeReader, tmp_path: Path, kind: str) -> None:
    between = authority("Between", issuer=root)
    pair = server(None, "gw.lan") if kind == "self-signed leaf" else server(between, "gw.lan")
    file = root_file(tmp_path, between if kind == "intermediate" else pair, name="own.pem")
    assert shown_by(pair, reader, file).verdicts[file].trusted
    assert not shown_by(server(authority("Between"), "gw.lan"), reader, file).verdicts[file].trusted


def test_a_file_that_cannot_be_read_trusts_nobody(root: Pair, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate\n")
    missing = str(tmp_path / "missing.pem")
    for file in (str(empty), missing):
        reader = HandshakeReader(Trust(file))
        verdict = shown_by(server(root, MX), reader, missing).verdicts
        assert not verdict[""].trusted
        assert "cannot be verified against the trust store" in verdict[""].error
        assert missing in verdict[missing].error


def test_a_changed_file_is_read_again(root: Pair, tmp_path: Path) -> None:
    file = Path(root_file(tmp_path, authority("Other")))
    reader, pair = HandshakeReader(Trust(str(file))), server(root, MX)
    assert not shown_by(pair, reader).verdicts[""].trusted
    root_file(tmp_path, root)
    assert shown_by(pair, reader).verdicts[""].trusted


def test_verdicts_are_kept_but_not_past_a_date(
    root: Pair, reader: HandshakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = 0
    real = trust_module._verified

    def counting(store: crypto.X509Store, presented: list[crypto.X509]) -> object:
        nonlocal verified
        verified += 1
        return real(store, presented)

    monkeypatch.setattr(trust_module, "_verified", counting)
    pair, start = server(root, MX, not_after=NOW + DAY / 48), NOW.timestamp()
    for _ in range(5):
        assert shown_by(pair, reader, at=start).verdicts[""].trusted
    assert verified == 1
    assert shown_by(pair, reader, at=start + 1799).verdicts[""].trusted
    assert verified == 1
    shown_by(pair, reader, at=start + 1801)
    assert verified == 2
    shown_by(server(root, MX), reader, at=start)
    assert verified == 3


def test_where_the_trust_store_is(tmp_path: Path) -> None:
    assert trust_store("own.pem", {"SSL_CERT_FILE": "other.pem"}) == ("own.pem", None)
    assert trust_store("", {"SSL_CERT_FILE": "file.pem"}) == ("file.pem", None)
    assert trust_store("", {"SSL_CERT_DIR": "certs"}) == (None, "certs")
    assert trust_store("", {}) != (None, None) or not ssl.get_default_verify_paths().cafile


def test_nothing_to_trust_trusts_nobody(root: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert not shown_by(server(root, MX), HandshakeReader(Trust())).verdicts[""].trusted
