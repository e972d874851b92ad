"""Any settings document of the right shape, whatever it means."""

from hypothesis import strategies as st

from percorso.core.settings import schema

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.sampled_from(["partners", 'a "quoted" name', "back\\slash", "città", "x" * 90])
MANY = st.lists(TEXTS, max_size=4).map(tuple)
DURATIONS = st.sampled_from(["90s", "1h", "5d"])

organizations = st.builds(schema.Organization, name=TEXTS, domains=MANY, inbound_host=TEXTS, expiry=DURATIONS)
units = st.builds(schema.Unit, path=NAMES, senders=MANY, description=TEXTS)
servers = st.builds(schema.Server, address=TEXTS, port=st.integers(0, 99999), load=st.integers(-1, 200))
hosts = st.builds(
    schema.Host,
    name=NAMES,
    primary=st.lists(servers, max_size=3).map(tuple),
    secondary=st.lists(servers, max_size=2).map(tuple),
    require_tls=st.booleans(),
    mx_lookup=st.booleans(),
    tls=st.sampled_from(["starttls", "implicit"]),
    pin=MANY,
    networks=MANY,
)
address_lists = st.builds(schema.AddressList, name=NAMES, entries=st.lists(TEXTS, max_size=30).map(tuple))
exceptions = st.builds(schema.ComplianceException, entry=TEXTS, until=st.dates(), reason=TEXTS)
compliance = st.builds(
    schema.TlsCompliance,
    name=NAMES,
    unit=TEXTS,
    lists=MANY,
    all=st.booleans(),
    dane_satisfies=st.booleans(),
    match=MANY,
    exceptions=st.lists(exceptions, max_size=2).map(tuple),
)
matches = st.builds(schema.RuleMatch, header=TEXTS, contains=TEXTS, list=TEXTS, larger_than=st.integers(0, 2**40))
rules = st.builds(schema.RoutingRule, name=NAMES, match=matches, overrides=TEXTS)
routes = st.builds(schema.AlternateSecureRoute, unit=NAMES, enabled=st.booleans(), host=TEXTS)
accounts = st.builds(schema.Account, name=NAMES, addresses=MANY)


def _few(tables: st.SearchStrategy[object], key: str) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(tables, max_size=3, unique_by=lambda table: str(getattr(table, key))).map(tuple)


documents = st.builds(
    schema.Document,
    organization=organizations,
    unit=_few(units, "path"),
    host=_few(hosts, "name"),
    address_list=_few(address_lists, "name"),
    tls_compliance=_few(compliance, "name"),
    routing_rule=_few(rules, "name"),
    alternate_secure_route=_few(routes, "unit"),
    account=_few(accounts, "name"),
)
