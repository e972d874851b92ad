"""Units: what they inherit, what they override, and whose route they take."""

from hypothesis import given
from hypothesis import strategies as st

from percorso.core.policy.compile import compile_settings
from percorso.core.policy.decide import decide
from percorso.core.settings.inheritance import in_force, units_of
from percorso.core.settings.schema import Document
from percorso.core.tls.requirement import TlsVersion
from tests.core.policy.world import mail, settings

CHAIN = """
[organization]
domains = ["corp.test"]
[[unit]]
path = "/A/B"
senders = ["b@corp.test"]
[[unit]]
path = "/A"
senders = ["a@corp.test"]
[[tls_compliance]]
name = "root"
all = true
min_tls = "1.3"
[[tls_compliance]]
name = "of A"
unit = "/A"
overrides = "root"
all = true
[[tls_compliance]]
name = "of B"
unit = "/A/B"
overrides = "of A"
all = true
require_ca = false
"""


def rules(sender: str, text: str) -> tuple[str, ...]:
    return decide(mail(sender, "bob@open.test"), settings(text=text)).rules


def test_override_replaces_in_its_unit_and_below() -> None:
    assert rules("user@corp.test", CHAIN) == ("tls_compliance/root",)
    assert rules("a@corp.test", CHAIN) == ("tls_compliance/of A",)
    assert rules("b@corp.test", CHAIN) == ("tls_compliance/of B",)


def test_conflicting_overrides_both_apply() -> None:
    more = '[[tls_compliance]]\nname = "also of A"\nunit = "/A"\noverrides = "root"\nall = true\nmin_tls = "1.3"\n'
    decision = decide(mail("a@corp.test", "bob@open.test"), settings(text=CHAIN + more))
    assert decision.rules == ("tls_compliance/of A", "tls_compliance/also of A")
    assert decision.requirement.min_version == TlsVersion.TLS_1_3


def test_override_of_one_kind_leaves_its_namesake_of_another() -> None:
    more = (
        '[[routing_rule]]\nname = "root"\nmatch = { recipient = "open.test" }\n'
        '[[routing_rule]]\nname = "spare"\nmatch = { recipient = "open.test" }\n'
        '[[routing_rule]]\nname = "of A"\nunit = "/A"\noverrides = "spare"\nmatch = { recipient = "x.test" }\n'
    )
    assert rules("a@corp.test", CHAIN + more) == ("tls_compliance/of A", "routing_rule/root")


def test_nearest_route_counts_even_where_it_is_switched_off() -> None:
    more = """
[[host]]
name = "one"
primary = [{ address = "one.test" }]
min_tls = "1.3"
[[host]]
name = "two"
primary = [{ address = "two.test" }]
[[alternate_secure_route]]
host = "one"
[[alternate_secure_route]]
unit = "/A"
host = "two"
[[alternate_secure_route]]
unit = "/A/B"
enabled = false
"""
    compiled = settings(text=CHAIN + more)
    ways = {
        sender: [str(hop) for hop in decide(mail(sender, "bob@open.test"), compiled).hops]
        for sender in ("user@corp.test", "a@corp.test", "b@corp.test")
    }
    assert ways == {"user@corp.test": ["host one"], "a@corp.test": ["host two"], "b@corp.test": ["direct to open.test"]}


def test_setting_without_lists_applies_to_nobody() -> None:
    document = Document.model_validate({"tls_compliance": [{"name": "empty"}]})
    assert decide(mail("", "bob@bank.test"), compile_settings(document, version=1)).rules == ()


PATHS = ("/", "/A", "/A/B", "/C")


@given(st.lists(st.tuples(st.sampled_from(PATHS), st.integers(-1, 7)), max_size=8))
def test_every_unit_has_what_inheritance_says(chosen: list[tuple[str, int]]) -> None:
    """Whichever settings override which, the compiled units agree with the settings' own rule of inheritance."""
    tables = [
        {"name": str(index), "unit": unit, "all": True, "overrides": str(over) if over >= 0 else ""}
        for index, (unit, over) in enumerate(chosen)
    ]
    document = Document.model_validate({"unit": [{"path": path} for path in PATHS], "tls_compliance": tables})
    compiled = compile_settings(document, version=1)
    for path in units_of(document):
        unit = compiled.units[path]
        found = {rule.id for rule in unit.rules() if rule.id not in unit.overridden}
        assert found == {f"tls_compliance/{setting.name}" for setting in in_force(document.tls_compliance, path)}
