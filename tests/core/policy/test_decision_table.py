"""The table of decisions in `decisions.txt`, row by row; it tells how to read it."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from percorso.core.policy.decide import decide
from percorso.core.policy.decision import Decision, Reason
from percorso.core.policy.explain import explain
from percorso.core.policy.facts import Facts, LookupState, Published
from percorso.core.tls.requirement import IdentityClause, Requirement, StsPolicy, TlsVersion, identity_clauses
from tests.core.policy.world import field, mail, settings

TABLE = Path(__file__).with_name("decisions.txt").read_text(encoding="utf-8")

WAYS = {
    "open": {Reason.OPPORTUNISTIC},
    "direct": {Reason.REQUIRED_DIRECT},
    "listed": {Reason.LISTED_DIRECT},
    "policy": {Reason.DESTINATION_POLICY},
    "host": {Reason.ALTERNATE_REQUIRED, Reason.ALTERNATE_UNLISTED},
    "direct>host": {Reason.ALTERNATE_ON_FAILURE},
    "back": {Reason.RETURNED_FROM_HOST},
    "wait": {Reason.LOOKUP_FAILED},
    "loop": {Reason.MAIL_LOOP},
}
STS = StsPolicy(id="1", mx=("mx.open.test",))
KEY = "1" * 64


def cases() -> Iterator[object]:
    header, *rows = [row for row in TABLE.splitlines() if row.strip() and not row.startswith("#")]
    whens = [cell.strip() for cell in header.split("|")][5:]
    for row in rows:
        *given, requires = [cell.strip() for cell in row.split("|")][:5]
        for when, way in zip(whens, [cell.strip() for cell in row.split("|")][5:], strict=True):
            name = f"{when}: {' '.join(filter(None, given))}"
            yield pytest.param(when, given, requires, way, id=name)


@pytest.mark.parametrize(("when", "given", "requires", "way"), list(cases()))
def test_decision(when: str, given: list[str], requires: str, way: str) -> None:
    facts = message(*given)
    decision = decide(facts, settings(when))
    assert decision.requirement == requirement(requires)
    assert shape(decision) == ("" if way in {"wait", "loop"} else way_shape(way))
    assert decision.reason in WAYS[way]
    for hop in decision.hops:
        wanted = at_the_host(requires) if hop.host else requirement(f"{requires} {asked_by_destination(given)}")
        assert hop.requirement == wanted
    assert explain(facts, settings(when)).decision == decision


def test_there_are_enough_cases() -> None:
    assert len(list(cases())) >= 120


def message(sender: str, carries: str, to: str, publishes: str) -> Facts:
    words = carries.split()
    given = dict(pairwise(words))
    header_from = given.get("From", "")
    return mail(
        "" if sender == "<>" else sender,
        to,
        headers=(field("Subject", "Offer [Secure]" if "[secure]" in words else "Offer"),),
        header_from=() if header_from in {"", "???"} else (header_from,),
        unreadable_from=header_from == "???",
        size=1_000_001 if "large" in words else 1_000_000,
        requiretls="REQUIRETLS" in words,
        tls_required_no="waiver" in words,
        kept=requirement("ca+host") if "kept" in words else Requirement(),
        own_report="report" in words,
        arrived_from=given.get("by", ""),
        received_count=51 if "looping" in words else 50,
        published=published(publishes.split()),
    )


def published(words: list[str]) -> Published:
    states = {
        name: LookupState.FOUND if name in words else LookupState.FAILED if f"{name}?" in words else LookupState.ABSENT
        for name in ("sts", "dane")
    }
    return Published(
        sts=states["sts"],
        sts_policy=STS if "sts" in words else None,
        dane=states["dane"],
        dane_servers=("mx.open.test",) if "dane" in words else (),
    )


def requirement(text: str) -> Requirement:
    words = set(text.split()) - {"-"}
    if not words:
        return Requirement()
    return Requirement(
        encrypted=True,
        min_version=TlsVersion.TLS_1_3 if "1.3" in words else TlsVersion.TLS_1_2,
        identity=identity_clauses(CLAUSES[word] for word in words if word in CLAUSES),
        requiretls="REQUIRETLS" in words,
        sts=STS if "sts" in words else None,
        dane="dane" in words,
    )


CLAUSES = {
    "ca": IdentityClause(ca=True),
    "ca+host": IdentityClause(ca=True, host=True),
    "key": IdentityClause(pins=(KEY,)),
}


def asked_by_destination(given: list[str]) -> str:
    _, carries, _, publishes = given
    waived = "waiver" in carries and "REQUIRETLS" not in carries
    return "" if waived else publishes


def at_the_host(text: str) -> Requirement:
    """The encryptor asks for TLS 1.3, CA and name by itself; the recipient's key is not its own."""
    return requirement(f"{text.replace('key', '')} 1.3 ca+host")


def way_shape(way: str) -> str:
    return way if way in {"host", "direct>host"} else "direct"


def shape(decision: Decision) -> str:
    return ">".join("host" if hop.host else "direct" for hop in decision.hops)
