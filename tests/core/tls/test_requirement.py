"""Requirements add up, and what of them can be asked of another server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.tls.requirement import (
    ENCRYPTED,
    OPPORTUNISTIC,
    IdentityClause,
    Requirement,
    StsPolicy,
    TlsVersion,
    identity_clauses,
)

CLAUSES = st.builds(
    IdentityClause,
    ca=st.booleans(),
    host=st.booleans(),
    names=st.sampled_from([(), ("a.test",), ("b.test",)]),
    ca_file=st.sampled_from(["", "/a.pem"]),
    pins=st.sampled_from([(), ("1" * 64,), ("2" * 64,)]),
    dane_satisfies=st.booleans(),
)
IDENTITY = st.lists(CLAUSES, max_size=3).map(identity_clauses)
TLS = st.builds(
    Requirement,
    encrypted=st.just(value=True),
    min_version=st.sampled_from([0, *map(int, TlsVersion)]),
    identity=IDENTITY,
    requiretls=st.booleans(),
    dane=st.booleans(),
    sts=st.sampled_from([None, StsPolicy(id="1", mx=("mx.test",))]),
)
REQUIREMENTS = st.one_of(st.just(OPPORTUNISTIC), TLS)


@given(REQUIREMENTS, REQUIREMENTS)
def test_both_covers_each_and_order_does_not_matter(one: Requirement, other: Requirement) -> None:
    assert one.both(other).covers(one)
    assert one.both(other).covers(other)
    assert one.both(other) == other.both(one)


@given(REQUIREMENTS, REQUIREMENTS, REQUIREMENTS)
def test_both_is_associative(one: Requirement, two: Requirement, three: Requirement) -> None:
    assert one.both(two).both(three) == one.both(two.both(three))


def test_one_settings_pin_does_not_stand_in_for_anothers_ca() -> None:
    pinned = Requirement(encrypted=True, identity=(IdentityClause(pins=("1" * 64,)),))
    signed = Requirement(encrypted=True, identity=(IdentityClause(ca=True),))
    assert len(pinned.both(signed).identity) == 2
    assert not pinned.covers(signed)
    assert not signed.covers(pinned)


@pytest.mark.parametrize(
    ("clause", "transferred"),
    [
        (IdentityClause(ca=True, host=True), IdentityClause(ca=True, host=True)),
        (IdentityClause(ca=True, pins=("1" * 64,)), IdentityClause(ca=True)),
        (IdentityClause(ca=True, ca_file="/a.pem"), IdentityClause(ca=True)),
        (IdentityClause(names=("a.test",)), IdentityClause(host=True)),
        (IdentityClause(ca=True, dane_satisfies=False), IdentityClause(ca=True, dane_satisfies=False)),
        (IdentityClause(pins=("1" * 64,)), None),
    ],
)
def test_transferred_clause(clause: IdentityClause, transferred: IdentityClause | None) -> None:
    requirement = Requirement(encrypted=True, identity=(clause,)).transferred()
    assert requirement.identity == ((transferred,) if transferred else ())


@given(REQUIREMENTS)
def test_transferred_keeps_all_but_what_names_the_recipients_servers(requirement: Requirement) -> None:
    transferred = requirement.transferred()
    assert (transferred.encrypted, transferred.min_version, transferred.requiretls) == (
        requirement.encrypted,
        requirement.min_version,
        requirement.requiretls,
    )
    assert not transferred.sts
    assert not transferred.dane
    assert not any(clause.anchored for clause in transferred.identity)
    assert transferred.transferred() == transferred


@given(REQUIREMENTS, TLS)
def test_at_a_host_without_a_key_of_its_own_is_the_plain_conjunction(required: Requirement, host: Requirement) -> None:
    if not any(clause.pins or clause.ca_file for clause in host.identity):
        assert required.at_host(host) == required.both(host)


@given(REQUIREMENTS, TLS)
def test_at_a_host_nothing_is_lost(required: Requirement, host: Requirement) -> None:
    result = required.at_host(host)
    assert result.covers(host)
    assert {clause for clause in required.identity if clause.anchored} <= set(result.identity)
    asked = {(clause.ca, clause.host, clause.dane_satisfies) for clause in required.identity}
    assert asked <= {(clause.ca, clause.host, clause.dane_satisfies) for clause in result.identity}


def test_empty_clauses_are_left_out() -> None:
    assert identity_clauses([IdentityClause(), IdentityClause(dane_satisfies=False)]) == ()


@pytest.mark.parametrize(
    ("text", "version"),
    [("1", 0x0301), ("1.0", 0x0301), ("1.1", 0x0302), ("TLSv1.2", 0x0303), ("1.3", 0x0304)],
)
def test_tls_version_from_text(text: str, version: int) -> None:
    assert TlsVersion.parse(text) == version


def test_unknown_tls_version_is_told() -> None:
    with pytest.raises(ValueError, match=r"'1\.4' is not a TLS version"):
        TlsVersion.parse("1.4")


def test_requirement_in_words() -> None:
    everything = Requirement(
        encrypted=True,
        min_version=TlsVersion.TLS_1_2,
        identity=identity_clauses(
            [IdentityClause(ca=True, host=True), IdentityClause(pins=("1" * 64,)), IdentityClause(names=("a.test",))]
        ),
        requiretls=True,
    )
    assert str(everything) == (
        "encrypted, TLS 1.2 or later, pinned key, certificate for a.test, "
        "CA-signed certificate, certificate for the host, REQUIRETLS"
    )
    assert str(OPPORTUNISTIC) == "opportunistic"
    assert str(ENCRYPTED) == "encrypted"
