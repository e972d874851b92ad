"""The contexts of listeners and of dialling, and the pair that a new node makes itself."""

import ssl
import stat
import time
from pathlib import Path

import pytest
from cryptography import x509

from percorso.core.tls.requirement import TlsVersion
from percorso.net.tls.chain import read_certificate
from percorso.net.tls.contexts import BadCertificateFile, ClientContexts, server_context
from percorso.net.tls.engine import TlsEngine
from percorso.net.tls.facts import HandshakeReader
from percorso.net.tls.self_signed import make_self_signed
from percorso.net.tls.trust import Trust
from percorso.ports.dialer import TlsOffer
from tests.net.authority import Pair, authority, server
from tests.net.tls.handshakes import MX, shown_by


@pytest.fixture(scope="module")
def pair() -> Pair:
    return server(authority(), MX)


def names(context: ssl.SSLContext) -> set[str]:
    return {cipher["name"] for cipher in context.get_ciphers()}


def test_a_listener_takes_tls_1_2_with_forward_secrecy_and_up(pair: Pair, tmp_path: Path) -> None:
    context = server_context(*pair.write(tmp_path))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert all(name.startswith(("ECDHE-", "DHE-", "TLS_")) for name in names(context))
    assert all("GCM" in name or "CHACHA20" in name or name.startswith("TLS_") for name in names(context))
    assert shown_by(pair, HandshakeReader(Trust()), context=context).version == TlsVersion.TLS_1_3


@pytest.mark.parametrize("problem", ["missing", "no PEM", "another key", "encrypted key"])
def test_a_pair_that_cannot_be_used(pair: Pair, tmp_path: Path, problem: str) -> None:
    certificate, key = pair.write(tmp_path)
    match problem:
        case "missing":
            key.unlink()
        case "no PEM":
            certificate.write_text("nothing")
        case "another key":
            key.write_bytes(server(None, MX).key_pem)
        case _:
            key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(BadCertificateFile, match=r"certificate\.pem and key .*key\.pem cannot be used: .+; both must"):
        server_context(certificate, key)


def test_one_context_for_each_kind_of_offer() -> None:
    contexts = ClientContexts()
    low = contexts.context(TlsOffer(reference_name=MX))
    floor = contexts.context(TlsOffer(reference_name=MX, min_version=TlsVersion.TLS_1_2))
    assert contexts.context(TlsOffer(reference_name="other.test", ca_files=("x",))) is low
    assert floor is not low
    assert (low.verify_mode, floor.verify_mode) == (ssl.CERT_NONE, ssl.CERT_NONE)


def test_no_offer_takes_an_anonymous_or_unencrypted_suite() -> None:
    for floor in (0, *TlsVersion):
        context = ClientContexts().context(TlsOffer(reference_name=MX, min_version=floor))
        assert not [cipher for cipher in context.get_ciphers() if "Au=None" in cipher["description"]]
        assert not [cipher for cipher in context.get_ciphers() if "Enc=None" in cipher["description"]]
        assert not [name for name in names(context) if "EXP" in name or "RC4" in name]


@pytest.mark.parametrize(("floor", "level"), [(0, 0), (TlsVersion.TLS_1_2, 2), (TlsVersion.TLS_1_3, 2)])
def test_a_floor_also_raises_the_strength(floor: int, level: int) -> None:
    assert ClientContexts().context(TlsOffer(reference_name=MX, min_version=floor)).security_level == level


def test_a_client_certificate_without_a_store_of_secrets() -> None:
    with pytest.raises(BadCertificateFile, match="no store of secrets"):
        ClientContexts().context(TlsOffer(reference_name=MX, client_certificate_secret="ours"))


def test_a_client_certificate_is_the_one_that_its_secret_holds_now() -> None:
    secrets = {"ours": pem_of("first.test")}
    contexts = ClientContexts(secrets.__getitem__)
    offer = TlsOffer(reference_name=MX, client_certificate_secret="ours")
    first = contexts.context(offer)
    assert contexts.context(offer) is first
    secrets["ours"] = pem_of("second.test")
    second = contexts.context(offer)
    assert second is not first
    assert contexts.context(offer) is second
    secrets["ours"] = b"no PEM"
    with pytest.raises(BadCertificateFile, match="in secret 'ours' cannot be used"):
        contexts.context(offer)
    del secrets["ours"]
    with pytest.raises(BadCertificateFile, match="cannot be had: ours"):
        contexts.context(offer)


def pem_of(name: str) -> bytes:
    ours = server(None, name)
    return ours.chain_pem + ours.key_pem


def test_a_peer_cannot_renegotiate(pair: Pair, tmp_path: Path) -> None:
    assert server_context(*pair.write(tmp_path)).options & ssl.OP_NO_RENEGOTIATION
    assert ClientContexts().context(TlsOffer(reference_name=MX)).options & ssl.OP_NO_RENEGOTIATION


def test_a_self_signed_pair_serves_at_once(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_self_signed("gate.corp.test", now=time.time(), certificate=certificate, key=key)
    context = server_context(certificate, key)
    client = TlsEngine(ClientContexts().context(TlsOffer(reference_name="gate.corp.test")), server_side=False)
    listener = TlsEngine(context, server_side=True)
    client.start()
    listener.receive(client.data_to_send())
    client.receive(listener.data_to_send())
    assert client.established
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    shown = read_certificate(ssl.PEM_cert_to_DER_cert(certificate.read_text()))
    assert (shown.names, shown.server_purpose) == (("gate.corp.test",), True)
    assert shown.not_before < time.time() < shown.not_after


def test_a_pair_is_never_replaced(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    key.write_text("precious")
    with pytest.raises(FileExistsError):
        make_self_signed("gate.corp.test", now=time.time(), certificate=certificate, key=key)
    assert key.read_text() == "precious"
    assert not certificate.exists()


def test_a_long_name_still_makes_a_pair(tmp_path: Path) -> None:
    name = ".".join(["a" * 60] * 3)
    make_self_signed(name, now=time.time(), certificate=tmp_path / "c", key=tmp_path / "k")
    loaded = x509.load_pem_x509_certificate((tmp_path / "c").read_bytes())
    assert loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    ) == [name]


def test_garbage_is_a_certificate_without_name_or_purpose() -> None:
    shown = read_certificate(b"\x30\x03\x02\x01\x01")
    assert (shown.names, shown.spki, shown.server_purpose) == ((), "", False)
    assert shown.subject.startswith("(unreadable: ")
    assert len(shown.fingerprint) == 64
