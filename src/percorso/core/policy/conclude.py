"""From the rules that match to the decision: the requirement, the hops and the reason.

`decide` and `explain` differ only in how they find the rules; what follows from them is here, once.

1. Requirements add up: those of the rules, the sender's REQUIRETLS, and what the message was accepted under.
2. Mail for the organization's own domains goes to its inbound host, if it has one.
3. Other mail whose secure transport is required goes by the alternate secure route, as its `when` says.
4. What the destination publishes is asked of the direct hop only.
5. Mail never goes back to the host that it came from: it goes direct, under its requirement.
"""

from typing import Final

import msgspec

from percorso.core.hosts.host import Host
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Decision, Hop, Reason
from percorso.core.policy.facts import Facts, LookupState
from percorso.core.policy.rule import Cause, Rule
from percorso.core.policy.settings import AlternateRoute, Settings, UnitSettings
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC, Requirement

MAX_RECEIVED: Final = 50
"""Received fields; a message with more is in a loop (RFC 5321, 6.3)."""
LOOPED: Final = Reply(code=554, enhanced="5.4.6", text=f"Mail loop: more than {MAX_RECEIVED} Received fields")
LOOKUP_FAILED: Final = Reply(
    code=451, enhanced="4.4.3", text="The TLS policy of the recipient's domain could not be looked up"
)
REQUIRETLS: Final = Requirement(encrypted=True, requiretls=True)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that match, in the document's order."""

    unit: UnitSettings
    """The sender's unit: its route is taken."""
    own: tuple[Rule, ...]
    """Those in force in the sender's unit."""
    others: tuple[Rule, ...] = ()
    """Those in force in the other units that a header From names."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where the message goes, and why."""

    reason: Reason
    hops: tuple[Hop, ...] = ()
    route: AlternateRoute | None = None
    """The alternate secure route, where it had a say."""
    refusal: Reply | None = None


def other_units(facts: Facts, settings: Settings, unit: str) -> list[UnitSettings]:
    """The units besides the sender's whose requirements a header From adds; all, where it cannot be read."""
    if facts.unreadable_from:
        return [settings.units[path] for path in sorted(settings.units) if path != unit]
    if not facts.header_from or len(settings.units) == 1:
        return []
    return [settings.units[path] for path in sorted(settings.units_of_from(facts.header_from) - {unit})]


def came_back_encrypted(facts: Facts, settings: Settings) -> bool:
    """Whether the message comes from a host that gives it back with its content encrypted."""
    host = settings.hosts.get(facts.arrived_from) if facts.arrived_from else None
    return host is not None and host.returns == "encrypted-content"


def applied(facts: Facts, settings: Settings, found: Found) -> tuple[Rule, ...]:
    """Of the rules that match, those that count.

    TLS reports of our own are exempt (RFC 8460, 3). So is what a host gives back with its content encrypted: the rules
    sent it there for that.
    """
    if facts.own_report or came_back_encrypted(facts, settings):
        return ()
    matching = {rule.position: rule for rule in (*found.own, *found.others)} if found.others else None
    rules = tuple(matching[position] for position in sorted(matching)) if matching else found.own
    causes = [rule.cause for rule in rules]
    if facts.requiretls or Cause.ROUTING in causes or Cause.ELSEWHERE not in causes:
        return rules
    return tuple([rule for rule in rules if rule.cause is not Cause.ELSEWHERE])


def published(facts: Facts) -> Requirement:
    """What the destination itself requires. `TLS-Required: No` waives it, unless the sender asked for REQUIRETLS."""
    if waived(facts):
        return OPPORTUNISTIC
    sts, dane = facts.published.sts_policy, bool(facts.published.dane_servers)
    return Requirement(encrypted=True, sts=sts, dane=dane) if sts or dane else OPPORTUNISTIC


def conclude(facts: Facts, settings: Settings, found: Found) -> Decision:
    """The decision that follows from the rules that match."""
    rules = applied(facts, settings, found)
    requirement = facts.kept.both(REQUIRETLS) if facts.requiretls else facts.kept
    for rule in rules:
        requirement = requirement.both(rule.requirement)
    requirement = settings.floored(requirement)
    way = _way(facts, settings, found, requirement)
    ids = tuple([rule.id for rule in rules])
    return Decision(
        requirement=requirement,
        hops=way.hops,
        reason=way.reason,
        rules=(*ids, way.route.id) if way.route else ids,
        version=settings.version,
        unit=found.unit.path,
        refusal=way.refusal,
    )


def _way(facts: Facts, settings: Settings, found: Found, required: Requirement) -> Way:
    if facts.received_count > MAX_RECEIVED:
        return Way(reason=Reason.MAIL_LOOP, refusal=LOOPED)
    inbound = settings.inbound_host if settings.is_own_domain(facts.recipient.domain) else None
    if inbound and inbound.name != facts.arrived_from:
        return Way(reason=Reason.INBOUND_HOST, hops=(_host_hop(facts, settings, inbound, required),))
    direct = Hop(domain=facts.recipient.domain, requirement=settings.floored(required.both(published(facts))))
    if inbound:
        way = Way(reason=Reason.RETURNED_FROM_HOST, hops=(direct,))
    elif required.opportunistic:
        way = _unrequired(facts, settings, found, direct)
    else:
        way = _required(facts, settings, found, required, direct)
    if way.hops[0] is direct and _lookup_failed(facts):
        return Way(reason=Reason.LOOKUP_FAILED, route=way.route, refusal=LOOKUP_FAILED)
    return way


def _unrequired(facts: Facts, settings: Settings, found: Found, direct: Hop) -> Way:
    """Neither the administrator nor the sender requires secure transport; perhaps the destination does."""
    if direct.requirement.opportunistic:
        came_back = came_back_encrypted(facts, settings)
        return Way(reason=Reason.RETURNED_FROM_HOST if came_back else Reason.OPPORTUNISTIC, hops=(direct,))
    route = found.unit.route
    if route is None or not route.divert_destination_policy or not _may_take(route, facts):
        return Way(reason=Reason.DESTINATION_POLICY, hops=(direct,))
    alternate = _alternate_hop(facts, settings, route, OPPORTUNISTIC)
    return Way(reason=Reason.DESTINATION_POLICY, hops=(direct, alternate), route=route)


def _required(facts: Facts, settings: Settings, found: Found, required: Requirement, direct: Hop) -> Way:
    """The administrator or the sender requires secure transport."""
    route = found.unit.route
    if route is None or facts.own_report:
        return Way(reason=Reason.REQUIRED_DIRECT, hops=(direct,))
    if not _may_take(route, facts):
        return Way(reason=Reason.RETURNED_FROM_HOST, hops=(direct,), route=route)
    alternate = _alternate_hop(facts, settings, route, required)
    if route.when == "on-failure":
        return Way(reason=Reason.ALTERNATE_ON_FAILURE, hops=(direct, alternate), route=route)
    if route.when == "required":
        return Way(reason=Reason.ALTERNATE_REQUIRED, hops=(alternate,), route=route)
    if any(rule.lists_tls_enabled for rule in found.own):
        return Way(reason=Reason.LISTED_DIRECT, hops=(direct,), route=route)
    return Way(reason=Reason.ALTERNATE_UNLISTED, hops=(alternate,), route=route)


def _may_take(route: AlternateRoute, facts: Facts) -> bool:
    """Not back to the host that it came from, and no TLS reports of our own."""
    return facts.arrived_from != route.host.name and not facts.own_report


def _alternate_hop(facts: Facts, settings: Settings, route: AlternateRoute, required: Requirement) -> Hop:
    """What is required and the host's own options, never less than encrypted.

    The host is not the recipient's server: the recipient's pins, names, private CAs and published policies do not
    transfer to it (`Requirement.transferred`), the wish for a CA-signed certificate with the right name does.
    """
    hop = _host_hop(facts, settings, route.host, required.transferred().both(ENCRYPTED))
    return msgspec.structs.replace(hop, alternate=True)


def _host_hop(facts: Facts, settings: Settings, host: Host, required: Requirement) -> Hop:
    requirement = settings.floored(required.at_host(host.requirement))
    return Hop(domain=facts.recipient.domain, host=host, requirement=requirement)


def waived(facts: Facts) -> bool:
    """Whether the sender waives the destination's own policies."""
    return facts.tls_required_no and not facts.requiretls  # RFC 8689, 4.1


def _lookup_failed(facts: Facts) -> bool:
    return LookupState.FAILED in (facts.published.sts, facts.published.dane) and not waived(facts)
