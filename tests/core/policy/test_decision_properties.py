"""What holds for any settings and any mail."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.policy.decide import decide
from percorso.core.policy.decision import Hop
from percorso.core.policy.explain import explain
from percorso.core.policy.facts import Facts, LookupState, Published
from percorso.core.settings.schema import Document, RoutingRule, TlsCompliance
from percorso.core.tls.requirement import Requirement
from tests.core.policy.worlds import COMPLIANCE, FACTS, ROUTING, compiled, documents


@given(documents(), FACTS)
def test_explain_ends_in_the_same_decision(document: Document, facts: Facts) -> None:
    """The index finds what looking at every rule finds."""
    settings = compiled(document)
    trace = explain(facts, settings)
    assert trace.decision == decide(facts, settings)
    counted = [step.subject for step in trace.steps if step.matched and step.subject[:3] in {"tls", "rou"}]
    assert set(trace.decision.rules) <= {*counted, *(rule for rule in trace.decision.rules if rule.startswith("alt"))}


@given(documents(), FACTS)
def test_there_are_hops_or_a_refusal(document: Document, facts: Facts) -> None:
    decision = decide(facts, compiled(document))
    assert bool(decision.hops) != bool(decision.refusal)
    assert [hop.alternate for hop in decision.hops] in ([], [False], [True], [False, True])


@given(documents(), FACTS)
def test_nothing_required_ever_gets_an_opportunistic_hop(document: Document, facts: Facts) -> None:
    decision = decide(facts, compiled(document))
    if decision.requirement.encrypted:
        assert all(hop.requirement.encrypted for hop in decision.hops)
    assert all(hop.requirement.encrypted for hop in decision.hops if hop.alternate)


@given(documents(), FACTS)
def test_direct_hop_covers_the_requirement(document: Document, facts: Facts) -> None:
    decision = decide(facts, compiled(document))
    assert all(hop.requirement.covers(decision.requirement) for hop in decision.hops if not hop.host)


@given(documents(), FACTS)
def test_host_proves_what_is_required_and_its_own_options(document: Document, facts: Facts) -> None:
    settings = compiled(document)
    decision = decide(facts, settings)
    for hop in decision.hops:
        if hop.host:
            assert hop.requirement.covers(hop.host.requirement)
            assert hop.requirement.min_version >= decision.requirement.min_version
            assert hop.requirement.requiretls == decision.requirement.requiretls
            assert_asks_for_identity(hop, decision.requirement)
            if hop.requirement.encrypted:
                assert hop.requirement.min_version >= settings.min_tls
        if hop.alternate:
            assert_names_nothing_of_the_recipients(hop)


def assert_asks_for_identity(hop: Hop, required: Requirement) -> None:
    """A CA-signed certificate, and a name, wherever some setting wants one, and without DANE where one says so."""
    for clause in required.identity:
        assert any(
            asked.ca >= clause.ca
            and asked.host >= (clause.host or (bool(clause.names) and hop.alternate))
            and asked.dane_satisfies <= clause.dane_satisfies
            for asked in hop.requirement.identity
        ) or not (clause.ca or clause.host or clause.names)


def assert_names_nothing_of_the_recipients(hop: Hop) -> None:
    assert hop.host
    own = hop.host.requirement.identity
    anchors = {(clause.names, clause.ca_file, clause.pins) for clause in own} | {((), "", ())}
    assert {(clause.names, clause.ca_file, clause.pins) for clause in hop.requirement.identity} <= anchors
    assert hop.requirement.sts is None
    assert not hop.requirement.dane


@given(documents(), FACTS, COMPLIANCE)
def test_another_compliance_setting_never_weakens(document: Document, facts: Facts, table: dict[str, object]) -> None:
    more = TlsCompliance.model_validate({**table, "name": "more", "overrides": ""})
    richer = document.model_copy(update={"tls_compliance": (*document.tls_compliance, more)})
    assert decide(facts, compiled(richer)).requirement.covers(decide(facts, compiled(document)).requirement)


@given(documents(), FACTS, ROUTING)
def test_another_routing_rule_never_weakens(document: Document, facts: Facts, table: dict[str, object]) -> None:
    more = RoutingRule.model_validate({**table, "name": "more", "overrides": ""})
    richer = document.model_copy(update={"routing_rule": (*document.routing_rule, more)})
    assert decide(facts, compiled(richer)).requirement.covers(decide(facts, compiled(document)).requirement)


@given(documents(), FACTS)
def test_kept_is_always_covered(document: Document, facts: Facts) -> None:
    assert decide(facts, compiled(document)).requirement.covers(facts.kept)


@given(documents(), documents(), FACTS)
def test_kept_survives_any_change_of_settings(before: Document, after: Document, facts: Facts) -> None:
    first = decide(facts, compiled(before)).requirement
    later = decide(msgspec.structs.replace(facts, kept=first), compiled(after))
    assert later.requirement.covers(first)
    assert all(hop.requirement.encrypted for hop in later.hops) or first.opportunistic


@given(documents(), FACTS, st.lists(st.sampled_from(["x@corp.test", "b@a.corp.test", "corp.test"])).map(tuple))
def test_header_from_never_weakens(document: Document, facts: Facts, header_from: tuple[str, ...]) -> None:
    settings = compiled(document)
    named = msgspec.structs.replace(facts, header_from=header_from)
    unnamed = msgspec.structs.replace(facts, header_from=(), unreadable_from=False)
    unreadable = msgspec.structs.replace(facts, header_from=header_from, unreadable_from=True)
    assert decide(named, settings).requirement.covers(decide(unnamed, settings).requirement)
    assert decide(unreadable, settings).requirement.covers(decide(named, settings).requirement)


@given(documents(), FACTS)
def test_mail_never_goes_back_to_the_host_that_it_came_from(document: Document, facts: Facts) -> None:
    decision = decide(facts, compiled(document))
    assert all(hop.host.name != facts.arrived_from for hop in decision.hops if hop.host)


@given(documents(), FACTS)
def test_failed_lookup_never_goes_direct_unless_waived(document: Document, facts: Facts) -> None:
    failed = msgspec.structs.replace(facts, published=Published(dane=LookupState.FAILED), tls_required_no=False)
    assert all(hop.host for hop in decide(failed, compiled(document)).hops)


@given(documents(), FACTS)
def test_waiver_relaxes_only_what_the_destination_asks(document: Document, facts: Facts) -> None:
    settings = compiled(document)
    waived = decide(msgspec.structs.replace(facts, tls_required_no=True), settings)
    asked = decide(msgspec.structs.replace(facts, tls_required_no=False), settings)
    assert waived.requirement == asked.requirement
