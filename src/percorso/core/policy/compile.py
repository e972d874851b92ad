"""From the settings document to what a decision looks at."""

from collections.abc import Iterable, Iterator
from typing import Final

from percorso.core.hosts.host import Host, HostServer
from percorso.core.mail.address import Address, parse_address, parse_domain, parse_entry
from percorso.core.policy.condition import Condition, HeaderContains, LargerThan, OnLists, SentBy, SentTo, comparable
from percorso.core.policy.index import RuleIndex, index_rules
from percorso.core.policy.rule import Cause, Rule
from percorso.core.policy.settings import (
    ROOT,
    Account,
    Alerting,
    AlternateRoute,
    Settings,
    SigningKey,
    UnitSettings,
)
from percorso.core.settings import schema
from percorso.core.settings.duration import seconds
from percorso.core.settings.inheritance import lineage, units_of
from percorso.core.settings.pin import parse_pin
from percorso.core.settings.rate import parse_rate
from percorso.core.tls.requirement import (
    ENCRYPTED,
    IdentityClause,
    Requirement,
    TlsVersion,
    identity_clauses,
)

_CAUSES: Final = {"outbound": Cause.COMPLIANCE, "outbound-required-elsewhere": Cause.ELSEWHERE}


def compile_settings(document: schema.Document, version: int) -> Settings:
    """The compiled settings. The document has passed validation; KeyError and ValueError where it has not."""
    organization = document.organization
    hosts = {host.name: _host(host) for host in document.host}
    rules = list(_rules(document))
    return Settings(
        version=version,
        name=organization.name,
        language=organization.language,
        alerting=Alerting(
            recipients=tuple(map(parse_address, organization.alert_recipients)),
            webhook=organization.alert_webhook,
            webhook_secret=organization.alert_webhook_secret,
        ),
        units=_units(document, hosts, rules),
        senders={parse_entry(entry): unit.path for unit in document.unit for entry in unit.senders},
        accounts={account.name: _account(account) for account in document.account},
        domains=frozenset(parse_entry(domain) for domain in organization.domains),
        postmaster=_postmaster(organization),
        signing={key.domain: key for key in map(_signing_key, document.dkim)},
        hosts=hosts,
        inbound_host=hosts[organization.inbound_host] if organization.inbound_host else None,
        min_tls=TlsVersion.parse(organization.min_tls),
        secure_warning=seconds(organization.secure_warning),
        secure_expiry=seconds(organization.secure_expiry),
        expiry=seconds(organization.expiry),
        header_names=_header_names(document),
        uses_lists=any(isinstance(condition, OnLists) for rule, _ in rules for condition in rule.conditions),
    )


def _postmaster(organization: schema.Organization) -> Address | None:
    names = [domain for domain in organization.domains if not domain.startswith(".")]
    return Address(local="postmaster", domain=parse_domain(names[0])) if names else None


def _signing_key(table: schema.Dkim) -> SigningKey:
    return SigningKey(domain=parse_domain(table.domain), selector=table.selector, secret=table.key_secret)


def _account(account: schema.Account) -> Account:
    return Account(
        unit=account.unit,
        addresses=frozenset(map(parse_entry, account.addresses)),
        rate=parse_rate(account.rate) if account.rate else None,
    )


def _host(host: schema.Host) -> Host:
    return Host(
        name=host.name,
        primary=_servers(host.primary),
        secondary=_servers(host.secondary),
        mx_lookup=host.mx_lookup,
        tls=host.tls,
        requirement=Requirement(
            encrypted=host.require_tls,
            min_version=int(TlsVersion.parse(host.min_tls)),
            identity=identity_clauses(
                [
                    IdentityClause(
                        ca=host.require_ca,
                        host=host.validate_hostname,
                        ca_file=host.ca_file,
                        pins=tuple(sorted(map(parse_pin, host.pin))),
                    )
                ]
            ),
        ),
        username=host.username,
        password_secret=host.password_secret,
        client_certificate_secret=host.client_certificate_secret,
        networks=host.networks,
        returns=host.returns,
    )


def _servers(servers: Iterable[schema.Server]) -> tuple[HostServer, ...]:
    return tuple(HostServer(address=server.address, port=server.port, load=server.load) for server in servers)


def _rules(document: schema.Document) -> Iterator[tuple[Rule, str]]:
    """The rules in the document's order, each with the id of the one that it overrides, or ""."""
    position = 0
    for setting in document.tls_compliance:
        if setting.applies_to != "inbound":
            yield _compliance(setting, position), setting.overrides and f"tls_compliance/{setting.overrides}"
            position += 1
    for rule in document.routing_rule:
        yield _routing(rule, position), rule.overrides and f"routing_rule/{rule.overrides}"
        position += 1


def _compliance(setting: schema.TlsCompliance, position: int) -> Rule:
    clause = IdentityClause(
        ca=setting.require_ca,
        host=setting.validate_hostname,
        names=tuple(sorted(map(parse_domain, setting.match))),
        ca_file=setting.ca_file,
        pins=tuple(sorted(map(parse_pin, setting.pin))),
        dane_satisfies=setting.dane_satisfies,
    )
    return Rule(
        id=f"tls_compliance/{setting.name}",
        position=position,
        unit=setting.unit,
        cause=_CAUSES[setting.applies_to],
        conditions=() if setting.all else (OnLists(names=setting.lists),),
        requirement=Requirement(
            encrypted=True,
            min_version=int(TlsVersion.parse(setting.min_tls)),
            identity=identity_clauses([clause]),
        ),
    )


def _routing(rule: schema.RoutingRule, position: int) -> Rule:
    return Rule(
        id=f"routing_rule/{rule.name}",
        position=position,
        unit=rule.unit,
        cause=Cause.ROUTING,
        conditions=tuple(_conditions(rule.match)),
        requirement=ENCRYPTED,
    )


def _conditions(match: schema.RuleMatch) -> Iterator[Condition]:
    if match.list:
        yield OnLists(names=(match.list,))
    if match.recipient:
        yield SentTo(entry=parse_entry(match.recipient))
    if match.sender:
        yield SentBy(entry=parse_entry(match.sender))
    if match.header:
        yield HeaderContains(name=match.header.lower(), text=comparable(match.contains))
    if match.larger_than:
        yield LargerThan(size=match.larger_than)


def _header_names(document: schema.Document) -> frozenset[str]:
    """The fields that rules name, and From wherever it can tell one unit from another."""
    names = {rule.match.header.lower() for rule in document.routing_rule if rule.match.header}
    if any(unit.path != ROOT for unit in document.unit):
        names.add("from")
    return frozenset(names)


def _units(
    document: schema.Document, hosts: dict[str, Host], rules: Iterable[tuple[Rule, str]]
) -> dict[str, UnitSettings]:
    """What is in force in every unit, each after the one above it."""
    routes = {route.unit: _route(route, hosts) for route in document.alternate_secure_route}
    own: dict[str, list[tuple[Rule, str]]] = {}
    for rule, overrides in rules:
        own.setdefault(rule.unit, []).append((rule, overrides))
    units: dict[str, UnitSettings] = {}
    for path in units_of(document):
        above = lineage(path)[:-1]
        parent = units[above[-1]] if above else UnitSettings(path="")
        units[path] = _unit(path, parent, own.get(path, []), routes.get(path, parent.route))
    return units


def _unit(path: str, parent: UnitSettings, own: list[tuple[Rule, str]], route: AlternateRoute | None) -> UnitSettings:
    replaced = {overrides: rule.id for rule, overrides in own if overrides}
    if replaced:
        inherited = {rule.id for rule in parent.rules()}
        replaced = {name: by for name, by in replaced.items() if name in inherited}
    levels: tuple[RuleIndex, ...] = (*parent.levels, index_rules(rule for rule, _ in own)) if own else parent.levels
    return UnitSettings(path=path, levels=levels, overridden={**replaced, **parent.overridden}, route=route)


def _route(route: schema.AlternateSecureRoute, hosts: dict[str, Host]) -> AlternateRoute | None:
    """The route of a unit; None where it is switched off there."""
    if not route.enabled:
        return None
    return AlternateRoute(
        unit=route.unit,
        host=hosts[route.host],
        when=route.when,
        divert_destination_policy=route.divert_destination_policy,
    )
