"""Every typed failure from the handshake that earns it, and that demands only ever take away."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percorso.core.tls.handshake import Handshake
from percorso.core.tls.judge import judge
from percorso.core.tls.requirement import (
    ENCRYPTED,
    OPPORTUNISTIC,
    IdentityClause,
    Requirement,
    StsPolicy,
    TlsVersion,
    identity_clauses,
)
from percorso.core.tls.result import FailureType as F
from tests.core.tls.handshakes import EXPIRED, MX, PLAINTEXT, SPKI, TRUSTED, UNKNOWN_CA, certificate, handshake

OTHER = "00" * 32
STS = StsPolicy(id="1", mx=(MX, "*.mail.bank.test"))
GOOD = handshake()
SELF_SIGNED = handshake(store=UNKNOWN_CA)
WRONG_NAME = handshake(certificate("mx.evil.test"))


def need(*clauses: IdentityClause, **demands: object) -> Requirement:
    return msgspec.structs.replace(ENCRYPTED, identity=identity_clauses(clauses), **demands)


CA = IdentityClause(ca=True)
HOST = IdentityClause(host=True)
CA_HOST = IdentityClause(ca=True, host=True)
NO_DANE = IdentityClause(ca=True, host=True, dane_satisfies=False)
PIN = IdentityClause(ca=True, host=True, pins=(SPKI,))
OWN_CA = IdentityClause(ca=True, host=True, ca_file="own")
NAMES = IdentityClause(host=True, names=("gw.partner.test",))

MET = [
    ("opportunistic plaintext", OPPORTUNISTIC, PLAINTEXT),
    ("opportunistic with anything", OPPORTUNISTIC, handshake(certificate(), version=0x0301, store=UNKNOWN_CA)),
    ("encrypted, self-signed", ENCRYPTED, SELF_SIGNED),
    ("encrypted, no certificate at all", ENCRYPTED, Handshake(version=0x0303)),
    ("encrypted, wrong purpose", ENCRYPTED, handshake(certificate(MX, server_purpose=False))),
    ("at the floor", need(min_version=TlsVersion.TLS_1_2), handshake(version=0x0303)),
    ("trusted, wrong name, only ca asked", need(CA), WRONG_NAME),
    ("right name, untrusted, only host asked", need(HOST), SELF_SIGNED),
    ("right name, expired, only host asked", need(HOST), handshake(store=EXPIRED)),
    ("ca and host", need(CA_HOST), GOOD),
    ("wildcard", need(CA_HOST), handshake(certificate("*.bank.test"))),
    ("pin for ca and host", need(PIN), handshake(certificate("other.test"), store=UNKNOWN_CA)),
    ("pin of an expired certificate", need(PIN), handshake(store=EXPIRED)),
    ("own CA for ca and host", need(OWN_CA), handshake(certificate("other.test"), store=UNKNOWN_CA, own=TRUSTED)),
    ("match replaces the name", need(NAMES), handshake(certificate("gw.partner.test"))),
    ("DANE for ca and host", need(CA_HOST), handshake(certificate("o.test"), store=UNKNOWN_CA, tlsa_match=True)),
    ("REQUIRETLS", need(requiretls=True), handshake(requiretls=True)),
    ("REQUIRETLS by DANE", need(requiretls=True), handshake(store=UNKNOWN_CA, requiretls=True, tlsa_match=True)),
    ("STS", need(sts=STS), GOOD),
    (
        "STS by wildcard",
        need(sts=STS),
        handshake(certificate("*.mail.bank.test"), reference_name="a.mail.bank.test"),
    ),
    ("DANE", need(dane=True), handshake(store=UNKNOWN_CA, tlsa_match=True)),
    (
        "everything",
        need(CA_HOST, PIN, dane=True, sts=STS, requiretls=True),
        handshake(requiretls=True, tlsa_match=True),
    ),
]

FAILED = {
    F.STARTTLS_NOT_SUPPORTED: [
        ("plaintext", ENCRYPTED, PLAINTEXT),
        ("plaintext before all else", need(PIN, dane=True, sts=STS), PLAINTEXT),
    ],
    F.TLS_VERSION_TOO_LOW: [
        ("low version", need(min_version=0x0304), handshake(version=0x0303)),
        ("low version before trust", need(CA, min_version=0x0303), handshake(version=0x0301, store=UNKNOWN_CA)),
    ],
    F.CERTIFICATE_NOT_TRUSTED: [
        ("self-signed", need(CA), SELF_SIGNED),
        ("no certificate", need(HOST), Handshake(version=0x0304, reference_name=MX)),
        ("not verified is not trusted", need(CA), Handshake(version=0x0304, chain=(certificate(MX),))),
        ("a client's certificate", need(CA), handshake(certificate(MX, server_purpose=False))),
        ("untrusted before wrong name", need(CA_HOST), handshake(certificate("o.test"), store=UNKNOWN_CA)),
        ("another pin", need(PIN), handshake(certificate(MX, spki=OTHER))),
        ("own CA instead of the store", need(OWN_CA), handshake(own=UNKNOWN_CA)),
        ("own CA never asked", need(OWN_CA), GOOD),
        ("own CA, a client's", need(OWN_CA), handshake(certificate(MX, server_purpose=False), own=TRUSTED)),
        ("a pin does not stand in for another clause", need(PIN, CA_HOST), SELF_SIGNED),
        ("the second clause counts", need(HOST, CA), SELF_SIGNED),
        ("an own CA does not stand in for another clause", need(OWN_CA, CA), handshake(store=UNKNOWN_CA, own=TRUSTED)),
        ("DANE is not enough", need(NO_DANE), handshake(store=UNKNOWN_CA, tlsa_match=True)),
        ("DANE replaces no pin", need(PIN), handshake(certificate(MX, spki=OTHER), tlsa_match=True)),
        ("DANE replaces no own CA", need(OWN_CA), handshake(own=UNKNOWN_CA, tlsa_match=True)),
        ("failed DANE gives nothing", need(CA), handshake(store=UNKNOWN_CA, tlsa_match=False)),
        ("REQUIRETLS of who knows whom", need(requiretls=True), handshake(store=UNKNOWN_CA, requiretls=True)),
    ],
    F.CERTIFICATE_EXPIRED: [
        ("expired", need(CA), handshake(store=EXPIRED)),
        ("own CA, expired", need(OWN_CA), handshake(own=EXPIRED)),
    ],
    F.CERTIFICATE_HOST_MISMATCH: [
        ("wrong name", need(HOST), WRONG_NAME),
        ("no name", need(HOST), handshake(certificate())),
        ("wrong name before expired", need(CA_HOST), handshake(certificate("o.test"), store=EXPIRED)),
        ("an address as host", need(HOST), handshake(certificate("192.0.2.1"), reference_name="192.0.2.1")),
        ("match leaves the own name out", need(NAMES), GOOD),
        ("own CA with match", need(IdentityClause(ca_file="own", names=("gw.test",))), handshake(own=TRUSTED)),
        ("REQUIRETLS of another", need(requiretls=True), handshake(certificate("o.test"), requiretls=True)),
    ],
    F.REQUIRETLS_NOT_SUPPORTED: [
        ("REQUIRETLS not offered", need(requiretls=True), GOOD),
        (
            "REQUIRETLS of a name that anyone may have written",
            need(requiretls=True),
            handshake(requiretls=True, name_authenticated=False),
        ),
    ],
    F.STS_MX_MISMATCH: [
        ("STS names another MX", need(sts=STS), handshake(certificate("x.test"), reference_name="x.test")),
    ],
    F.STS_CERTIFICATE_INVALID: [
        ("STS, untrusted", need(sts=STS), SELF_SIGNED),
        ("STS, wrong name", need(sts=STS), WRONG_NAME),
        ("STS, expired", need(sts=STS), handshake(store=EXPIRED)),
        ("STS, no certificate", need(sts=STS), Handshake(version=0x0304, reference_name=MX)),
    ],
    F.DANE_REQUIRED: [
        ("no TLSA", need(dane=True), GOOD),
    ],
    F.DANE_MISMATCH: [
        ("wrong TLSA", need(dane=True), handshake(tlsa_match=False)),
        ("STS never rescues DANE", need(dane=True, sts=STS), handshake(tlsa_match=False)),
    ],
}


@pytest.mark.parametrize(("requirement", "shown"), [c[1:] for c in MET], ids=[c[0] for c in MET])
def test_met(requirement: Requirement, shown: Handshake) -> None:
    assert judge(requirement, shown).failure is None


@pytest.mark.parametrize(
    ("requirement", "shown", "failure"),
    [pytest.param(*case[1:], kind, id=case[0]) for kind, cases in FAILED.items() for case in cases],
)
def test_failed(requirement: Requirement, shown: Handshake, failure: F) -> None:
    found = judge(requirement, shown).failure
    assert found is not None
    assert found.type is failure
    assert found.detail


def test_the_refusal_is_the_detail() -> None:
    refused = Handshake(reference_name=MX, refusal="454 4.7.0 TLS not available")
    assert str(judge(ENCRYPTED, refused).failure) == "starttls-not-supported: 454 4.7.0 TLS not available"


verdicts = st.sampled_from([TRUSTED, UNKNOWN_CA, EXPIRED])
leaves = st.builds(
    certificate,
    st.sampled_from([MX, "*.bank.test", "gw.partner.test", "evil.test"]),
    spki=st.sampled_from([SPKI, OTHER]),
    server_purpose=st.booleans(),
)
handshakes = st.one_of(
    st.just(PLAINTEXT),
    st.just(Handshake(version=0x0304, reference_name=MX)),
    st.builds(
        handshake,
        leaves,
        version=st.sampled_from(list(TlsVersion)),
        tlsa_match=st.sampled_from([None, True, False]),
        requiretls=st.booleans(),
        name_authenticated=st.booleans(),
        store=verdicts,
        own=verdicts,
    ),
)
clauses = st.builds(
    IdentityClause,
    ca=st.booleans(),
    host=st.booleans(),
    names=st.sampled_from([(), ("gw.partner.test",)]),
    ca_file=st.sampled_from(["", "own", "unasked"]),
    pins=st.sampled_from([(), (SPKI,)]),
    dane_satisfies=st.booleans(),
)
requirements = st.one_of(
    st.just(OPPORTUNISTIC),
    st.builds(
        Requirement,
        encrypted=st.just(True),
        min_version=st.sampled_from([0, *TlsVersion]),
        identity=st.lists(clauses, max_size=2).map(identity_clauses),
        requiretls=st.booleans(),
        sts=st.sampled_from([None, STS]),
        dane=st.booleans(),
    ),
)


@settings(max_examples=500)
@given(requirements, requirements, handshakes)
def test_what_meets_both_meets_each(one: Requirement, other: Requirement, shown: Handshake) -> None:
    together = judge(one.both(other), shown).met
    assert together == (judge(one, shown).met and judge(other, shown).met)


@given(requirements, handshakes)
def test_nothing_required_is_met_in_plaintext(requirement: Requirement, shown: Handshake) -> None:
    if judge(requirement, shown).met and requirement != OPPORTUNISTIC:
        assert shown.encrypted
        assert shown.version >= requirement.min_version


@given(clauses, handshakes)
def test_a_flag_more_only_takes_away(clause: IdentityClause, shown: Handshake) -> None:
    for flags in ({"ca": True}, {"host": True}, {"dane_satisfies": False}):
        stronger = msgspec.structs.replace(clause, **flags)
        if judge(need(stronger), shown).met:
            assert judge(need(clause), shown).met
