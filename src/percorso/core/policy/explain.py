"""The decision with everything that was looked at on the way to it.

`explain` looks at every rule in turn, without the index that `decide` goes by, and concludes by the same function.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from percorso.core.policy.conclude import Found, applied, came_back_encrypted, conclude, other_units, waived
from percorso.core.policy.decision import Decision, Reason
from percorso.core.policy.facts import Facts, LookupState
from percorso.core.policy.rule import Rule
from percorso.core.policy.settings import Settings, UnitSettings


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    subject: str
    """A setting's id; or "unit", "header-from", "requiretls", "kept", "mta-sts", "dane" or "route"."""
    matched: bool
    """Whether it had a part in the decision."""
    why: str


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The way to a decision, step by step."""

    steps: tuple[Step, ...]
    decision: Decision


def explain(facts: Facts, settings: Settings) -> Trace:
    """The same decision that `decide` makes, found by looking at every rule in turn, and why."""
    unit = settings.units[settings.unit_of(facts.sender, facts.account)]
    others = other_units(facts, settings, unit.path)
    found = Found(
        unit=unit,
        own=tuple(_in_force_and_matching(unit, facts)),
        others=tuple(rule for other in others for rule in _in_force_and_matching(other, facts)),
    )
    decision = conclude(facts, settings, found)
    steps = (
        _unit_step(facts, settings, unit),
        *(_other_unit_step(facts, other) for other in others),
        *_rule_steps(facts, [unit, *others], applied(facts, settings, found), _uncounted(facts, settings)),
        *_message_steps(facts),
        *_published_steps(facts),
        _route_step(decision),
    )
    return Trace(steps=steps, decision=decision)


def _in_force_and_matching(unit: UnitSettings, facts: Facts) -> list[Rule]:
    in_force = (rule for rule in unit.rules() if rule.id not in unit.overridden)
    return sorted((rule for rule in in_force if rule.matches(facts)), key=lambda rule: rule.position)


def _unit_step(facts: Facts, settings: Settings, unit: UnitSettings) -> Step:
    if facts.account in settings.accounts:
        why = f"the account {facts.account} is of unit {unit.path}"
    elif facts.sender is None:
        why = f"the null sender is of unit {unit.path}"
    elif entry := settings.sender_entry(facts.sender):
        why = f"{facts.sender} is of unit {unit.path}, by its sender {entry!r}"
    else:
        why = f"{facts.sender} is a sender of no unit, so of {unit.path}"
    return Step(subject="unit", matched=True, why=why)


def _other_unit_step(facts: Facts, unit: UnitSettings) -> Step:
    cannot = "the header From cannot be read, so it may be of" if facts.unreadable_from else "the header From is of"
    return Step(subject="header-from", matched=True, why=f"{cannot} unit {unit.path}, whose requirements are added")


def _rule_steps(facts: Facts, units: list[UnitSettings], counted: tuple[Rule, ...], uncounted: str) -> Iterator[Step]:
    """Every rule of the units once; as overridden where it is in force in none of them."""
    rules = {rule.position: rule for unit in units for rule in unit.rules()}
    in_force = {rule.id for unit in units for rule in unit.rules() if rule.id not in unit.overridden}
    for _, rule in sorted(rules.items()):
        if rule.id in in_force:
            yield _rule_step(facts, rule, counts=rule in counted, uncounted=uncounted)
        else:
            unit = next(unit for unit in units if rule.id in unit.overridden)
            why = f"not in force in unit {unit.path}, where {unit.overridden[rule.id]} replaces it"
            yield Step(subject=rule.id, matched=False, why=why)


def _uncounted(facts: Facts, settings: Settings) -> str:
    """Why a rule that matches may not count."""
    if facts.own_report:
        return "TLS reports of our own are exempt"
    if came_back_encrypted(facts, settings):
        return f"the message came back from the host {facts.arrived_from} with its content encrypted"
    return "it adds only to what a routing rule or the sender requires, and none does"


def _rule_step(facts: Facts, rule: Rule, *, counts: bool, uncounted: str) -> Step:
    why = "; ".join(condition.finding(facts) for condition in rule.conditions) or "it applies to all messages"
    if rule.matches(facts) and not counts:
        why = f"{why}; but {uncounted}"
    elif counts:
        why = f"{why}: requires {rule.requirement}"
    return Step(subject=rule.id, matched=counts, why=why)


def _message_steps(facts: Facts) -> Iterator[Step]:
    """What came with the message."""
    if facts.requiretls:
        yield Step(subject="requiretls", matched=True, why="the sender requires TLS all the way (REQUIRETLS)")
    if not facts.kept.opportunistic:
        yield Step(subject="kept", matched=True, why=f"the message was accepted under: {facts.kept}")
    if facts.tls_required_no:
        why = (
            "the sender waives the destination's own policies (TLS-Required: No)"
            if waived(facts)
            else "TLS-Required: No does not count, because the sender asks for REQUIRETLS"
        )
        yield Step(subject="tls-required", matched=waived(facts), why=why)


def _published_steps(facts: Facts) -> Iterator[Step]:
    """What the destination publishes."""
    published = facts.published
    mx = published.sts_policy.mx if published.sts_policy else ()
    yield _published_step(facts, "mta-sts", "an MTA-STS policy", published.sts, mx)
    yield _published_step(facts, "dane", "usable TLSA records", published.dane, published.dane_servers)


def _published_step(facts: Facts, subject: str, noun: str, state: LookupState, servers: tuple[str, ...]) -> Step:
    """A stale policy, an absent one and a failed look-up are three different facts."""
    domain, names = facts.recipient.domain, ", ".join(servers)
    why = {
        LookupState.NOT_ASKED: f"not looked up whether {domain} publishes {noun}",
        LookupState.ABSENT: f"{domain} publishes no {noun.removeprefix('an ')}",
        LookupState.FOUND: f"{domain} publishes {noun}" + (f" for {names}" if names else ", with nothing to enforce"),
        LookupState.STALE: f"{domain} published {noun} for {names}; still in force, though it could not be refreshed",
        LookupState.FAILED: f"the look-up failed, so it is not known whether {domain} publishes {noun}",
    }[state]
    counts = bool(servers) or state is LookupState.FAILED
    return Step(subject=subject, matched=counts and not waived(facts), why=why)


_WAYS: Final = {
    Reason.OPPORTUNISTIC: "nothing requires secure transport: TLS where it is offered, else plaintext",
    Reason.REQUIRED_DIRECT: "secure transport is required, and no alternate secure route may be taken",
    Reason.ALTERNATE_REQUIRED: "all mail whose secure transport is required takes the alternate secure route",
    Reason.LISTED_DIRECT: "the recipient is listed as having TLS: no alternate secure route",
    Reason.ALTERNATE_UNLISTED: "the recipient is not listed as having TLS: over the alternate secure route",
    Reason.ALTERNATE_ON_FAILURE: "the alternate secure route is taken if the recipient's servers fail",
    Reason.DESTINATION_POLICY: "only the destination's own policy requires secure transport",
    Reason.INBOUND_HOST: "the recipient is of the organization's own domains",
    Reason.RETURNED_FROM_HOST: "the mail came from the host that it would go to",
    Reason.LOOKUP_FAILED: "the message waits until the destination's policy can be looked up",
    Reason.MAIL_LOOP: "the message has travelled in a loop",
}


def _route_step(decision: Decision) -> Step:
    hops = ", then ".join(f"{hop} ({hop.requirement})" for hop in decision.hops)
    return Step(subject="route", matched=True, why=f"{_WAYS[decision.reason]}: {decision.refusal or hops}")
