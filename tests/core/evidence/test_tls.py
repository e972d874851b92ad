"""The certificate is recorded as it was, also where nothing required it."""

from percorso.core.evidence.record import TlsFacts
from percorso.core.evidence.tls import MAX_NAMES, tls_facts
from percorso.core.tls.handshake import Handshake
from tests.core.tls.handshakes import MX, PLAINTEXT, SPKI, UNKNOWN_CA, certificate, handshake


def test_plaintext_has_no_facts() -> None:
    assert tls_facts(PLAINTEXT) == TlsFacts()


def test_a_good_handshake() -> None:
    facts = tls_facts(handshake())
    assert (facts.version, facts.trusted, facts.name_matches, facts.weak) == ("1.3", True, True, False)
    assert (facts.reference_name, facts.spki, facts.verify_error) == (MX, SPKI, "")


def test_what_is_wrong_is_said() -> None:
    facts = tls_facts(handshake(certificate("other.test"), version=0x0301, store=UNKNOWN_CA))
    assert (facts.version, facts.trusted, facts.name_matches, facts.weak) == ("1.0", False, False, True)
    assert facts.verify_error == UNKNOWN_CA.error
    client = tls_facts(handshake(certificate(MX, server_purpose=False)))
    assert (client.trusted, client.verify_error) == (False, "the certificate is not for a TLS server")


def test_neither_certificate_nor_verdict() -> None:
    assert tls_facts(Handshake(version=0x0303)).verify_error == "no certificate"
    assert tls_facts(Handshake(version=0x0303, chain=(certificate(MX),))).verify_error == "not verified"


def test_names_are_bounded() -> None:
    assert len(tls_facts(handshake(certificate(*(f"n{i}.test" for i in range(5000))))).names) == MAX_NAMES
