"""The trace: every rule looked at, and why it counted or not."""

import pytest

from percorso.core.policy.explain import Step, explain
from percorso.core.policy.facts import Facts, LookupState, Published
from percorso.core.policy.settings import Settings
from percorso.core.tls.requirement import StsPolicy
from tests.core.policy.world import field, mail, settings

REQUIRES_ALL = "requires encrypted, TLS 1.2 or later, CA-signed certificate, certificate for the host"


def steps(facts: Facts, compiled: Settings | None = None) -> dict[str, Step]:
    trace = explain(facts, compiled or settings())
    by_subject = {step.subject: step for step in trace.steps}
    assert len(by_subject) == len(trace.steps)
    return by_subject


def test_every_rule_of_the_unit_is_looked_at() -> None:
    found = steps(mail("user@corp.test", "bob@bank.test"))
    assert {subject: step.matched for subject, step in found.items() if "/" in subject} == {
        "tls_compliance/Partners need TLS": True,
        "tls_compliance/Lawyer by key": False,
        "tls_compliance/Checks on demand": False,
        "routing_rule/Secure by subject": False,
        "routing_rule/Authorities": False,
        "routing_rule/Large mail of the CEO": False,
        "routing_rule/Notary": False,
    }


@pytest.mark.parametrize(
    ("facts", "subject", "why"),
    [
        (
            mail("user@corp.test", "bob@eu.bank.test"),
            "tls_compliance/Partners need TLS",
            "bob@eu.bank.test is on the list 'partners', by its entry '.bank.test': " + REQUIRES_ALL,
        ),
        (
            mail("user@corp.test", "bob@open.test"),
            "tls_compliance/Partners need TLS",
            "bob@open.test is not on the list 'partners'",
        ),
        (
            mail("user@corp.test", "bob@open.test"),
            "tls_compliance/Checks on demand",
            "it applies to all messages; but it adds only to what a routing rule or the sender requires, and none does",
        ),
        (
            mail("a@lab.corp.test", "bob@bank.test"),
            "tls_compliance/Partners need TLS",
            "not in force in unit /Lab, where tls_compliance/Partners of the lab replaces it",
        ),
        (
            mail("user@corp.test", "bob@open.test", headers=(field("Subject", "Lunch"),)),
            "routing_rule/Secure by subject",
            "no subject field contains '[secure]'",
        ),
        (
            mail("user@corp.test", "bob@open.test"),
            "routing_rule/Secure by subject",
            "there is no subject field",
        ),
        (
            mail("user@corp.test", "bob@open.test", headers=(field("Subject", "=?x?", None),)),
            "routing_rule/Secure by subject",
            "the subject field cannot be read, which counts as containing '[secure]': requires encrypted",
        ),
        (
            mail("ceo@corp.test", "bob@open.test", size=10),
            "routing_rule/Large mail of the CEO",
            "the sender ceo@corp.test matches 'ceo@corp.test'; 10 bytes are not more than 1000000",
        ),
        (
            mail("", "bob@x.gov.test", own_report=True),
            "routing_rule/Authorities",
            "the recipient bob@x.gov.test matches '.gov.test'; but TLS reports of our own are exempt",
        ),
        (mail("cfo@corp.test", "b@c.test"), "unit", "cfo@corp.test is of unit /Finance, by its sender 'cfo@corp.test'"),
        (mail("user@corp.test", "b@c.test"), "unit", "user@corp.test is a sender of no unit, so of /"),
        (mail("", "b@c.test"), "unit", "the null sender is of unit /"),
        (
            mail("a@lab.corp.test", "b@c.test", header_from=("cfo@corp.test",)),
            "header-from",
            "the header From is of unit /Finance, whose requirements are added",
        ),
    ],
)
def test_why(facts: Facts, subject: str, why: str) -> None:
    assert steps(facts)[subject].why == why


def test_rule_of_another_unit_is_shown_once_as_what_it_is_there() -> None:
    found = steps(mail("a@lab.corp.test", "bob@bank.test", header_from=("user@corp.test",)))
    assert found["tls_compliance/Partners need TLS"].matched
    assert found["tls_compliance/Partners of the lab"].matched


@pytest.mark.parametrize(
    ("published", "why", "counts"),
    [
        (Published(), "not looked up whether open.test publishes an MTA-STS policy", False),
        (Published(sts=LookupState.ABSENT), "open.test publishes no MTA-STS policy", False),
        (Published(sts=LookupState.FAILED), "the look-up failed, so it is not known whether", True),
        (Published(sts=LookupState.FOUND), "publishes an MTA-STS policy, with nothing to enforce", False),
        (
            Published(sts=LookupState.STALE, sts_policy=StsPolicy(id="1", mx=("*.open.test",))),
            "for *.open.test; still in force, though it could not be refreshed",
            True,
        ),
    ],
)
def test_stale_absent_and_failed_are_told_apart(published: Published, why: str, *, counts: bool) -> None:
    step = steps(mail("user@corp.test", "bob@open.test", published=published))["mta-sts"]
    assert why in step.why
    assert step.matched is counts


def test_what_came_with_the_message_is_told() -> None:
    found = steps(mail("user@corp.test", "bob@open.test", requiretls=True, tls_required_no=True))
    assert found["requiretls"].matched
    assert not found["tls-required"].matched
    assert found["tls-required"].why == "TLS-Required: No does not count, because the sender asks for REQUIRETLS"


def test_route_ends_the_trace() -> None:
    last = explain(mail("user@corp.test", "bob@bank.test"), settings("on-failure")).steps[-1]
    assert last.subject == "route"
    assert "direct to bank.test (encrypted" in last.why
    assert "then host encryptor (encrypted" in last.why
