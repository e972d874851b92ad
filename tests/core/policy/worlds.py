"""Any settings and any mail, out of a vocabulary so small that they often meet."""

from typing import Any

from hypothesis import strategies as st

from percorso.core.mail.address import Address
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.facts import Facts, HeaderField, ListMatch, LookupState, Published
from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import Document
from percorso.core.tls.requirement import IdentityClause, Requirement, StsPolicy, identity_clauses

UNITS = ("/", "/A", "/A/B", "/C")
SENDERS = {"/A": ("a.corp.test", "x@corp.test"), "/A/B": ("b@a.corp.test",), "/C": (".c.corp.test",)}
DOMAINS = ("corp.test", "a.corp.test", "s.c.corp.test", "bank.test", "open.test")
ADDRESSES = st.builds(Address, local=st.sampled_from(["x", "b", "x+tag", "B"]), domain=st.sampled_from(DOMAINS))
LISTS = ("one", "two")
PINS = ("1" * 64, "2" * 64)
VERSIONS = st.sampled_from(["1.0", "1.2", "1.3"])
ENTRIES = st.sampled_from(["bank.test", ".corp.test", "x@open.test", "b@a.corp.test"])


def _table(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


COMPLIANCE = _table(
    unit=st.sampled_from(UNITS),
    applies_to=st.sampled_from(["outbound", "outbound", "outbound-required-elsewhere", "inbound"]),
    lists=st.lists(st.sampled_from(LISTS), max_size=2),
    all=st.booleans(),
    require_ca=st.booleans(),
    validate_hostname=st.booleans(),
    min_tls=VERSIONS,
    overrides=st.sampled_from(["", "", "c0", "c1", "c2"]),
    pin=st.lists(st.sampled_from(PINS), max_size=1),
    ca_file=st.sampled_from(["", "", "/ca.pem"]),
    match=st.sampled_from([[], [], ["mx.test"]]),
    dane_satisfies=st.booleans(),
)
ROUTING = _table(
    unit=st.sampled_from(UNITS),
    overrides=st.sampled_from(["", "", "r0", "r1"]),
    match=_table(
        header=st.sampled_from(["", "", "Subject", "X-Label"]),
        contains=st.sampled_from(["", "secret", "Top Secret"]),
        sender=st.one_of(st.just(""), ENTRIES),
        recipient=st.one_of(st.just(""), ENTRIES),
        list=st.sampled_from(["", *LISTS]),
        larger_than=st.sampled_from([0, 0, 100]),
    ),
)
HOST = _table(
    primary=st.just([{"address": "gw.test"}]),
    require_tls=st.booleans(),
    require_ca=st.booleans(),
    validate_hostname=st.booleans(),
    min_tls=VERSIONS,
    pin=st.lists(st.just("3" * 64), max_size=1),
    ca_file=st.sampled_from(["", "", "/host.pem"]),
)
ROUTE = _table(
    enabled=st.sampled_from([True, True, False]),
    host=st.sampled_from(["h0", "h1"]),
    when=st.sampled_from(["required", "unlisted", "on-failure"]),
    divert_destination_policy=st.booleans(),
)


def _named(letter: str, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**table, "name": f"{letter}{index}"} for index, table in enumerate(tables)]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Settings of the right shape; many would not pass `settings check`, and must be safe all the same."""
    routes = draw(st.dictionaries(st.sampled_from(UNITS), ROUTE, max_size=2))
    return Document.model_validate(
        {
            "organization": {
                "domains": draw(st.sampled_from([[], ["corp.test"], ["corp.test", ".corp.test"]])),
                "min_tls": draw(VERSIONS),
                "inbound_host": draw(st.sampled_from(["", "", "h0"])),
            },
            "unit": [{"path": path, "senders": SENDERS.get(path, ())} for path in UNITS],
            "host": _named("h", draw(st.lists(HOST, min_size=2, max_size=2))),
            "address_list": [{"name": name} for name in LISTS],
            "tls_compliance": _named("c", draw(st.lists(COMPLIANCE, max_size=4))),
            "routing_rule": _named("r", draw(st.lists(ROUTING, max_size=3))),
            "alternate_secure_route": [{**route, "unit": unit} for unit, route in routes.items()],
        }
    )


def compiled(document: Document) -> Settings:
    """Version 1 of the document."""
    return compile_settings(document, version=1)


STS = st.sampled_from([None, StsPolicy(id="1", mx=("mx.test",))])
STATES = st.sampled_from([LookupState.ABSENT, LookupState.FOUND, LookupState.STALE, LookupState.FAILED])
PUBLISHED = st.builds(
    Published, sts=STATES, sts_policy=STS, dane=STATES, dane_servers=st.sampled_from([(), (), ("mx.test",)])
)
TEXTS = st.sampled_from(["", "secret", "Top\r\n Secret", "Lunch"])
HEADERS = st.builds(
    HeaderField, name=st.sampled_from(["subject", "x-label", "from"]), raw=TEXTS, decoded=st.one_of(st.none(), TEXTS)
)
KEPT = st.builds(
    Requirement,
    encrypted=st.just(value=True),
    min_version=st.sampled_from([0, 0x0303, 0x0304]),
    identity=st.sampled_from([(), identity_clauses([IdentityClause(ca=True, pins=PINS)])]),
    requiretls=st.booleans(),
)
FACTS = st.builds(
    Facts,
    sender=st.one_of(st.none(), ADDRESSES),
    recipient=ADDRESSES,
    header_from=st.lists(st.one_of(ADDRESSES.map(str), st.sampled_from(DOMAINS)), max_size=2).map(tuple),
    unreadable_from=st.sampled_from([False, False, True]),
    headers=st.lists(HEADERS, max_size=3).map(tuple),
    size=st.sampled_from([0, 100, 101]),
    requiretls=st.booleans(),
    tls_required_no=st.booleans(),
    recipient_lists=st.lists(st.sampled_from(LISTS), unique=True).map(
        lambda names: tuple(ListMatch(name=name, entry="bank.test") for name in names)
    ),
    arrived_from=st.sampled_from(["", "", "h0", "h1"]),
    received_count=st.sampled_from([0, 50, 51]),
    own_report=st.sampled_from([False, False, True]),
    kept=st.one_of(st.just(Requirement()), KEPT),
    published=PUBLISHED,
)
