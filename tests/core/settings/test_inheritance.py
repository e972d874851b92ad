"""Settings come down the tree of units."""

from percorso.core.settings.inheritance import in_force, lineage, route_of, units_of
from percorso.core.settings.schema import AlternateSecureRoute, Document, TlsCompliance, Unit

ROOT = TlsCompliance(name="all", all=True)
FINANCE = TlsCompliance(name="strict", unit="/Finance", all=True, overrides="all")
PAYROLL = TlsCompliance(name="more", unit="/Finance/Payroll", all=True)


def test_a_unit_has_those_above_it() -> None:
    assert lineage("/") == ("/",)
    assert lineage("/A/B") == ("/", "/A", "/A/B")


def test_settings_add_up_and_an_override_replaces() -> None:
    settings = (PAYROLL, FINANCE, ROOT)
    assert in_force(settings, "/") == (ROOT,)
    assert in_force(settings, "/Sales") == (ROOT,)
    assert in_force(settings, "/Finance/Payroll") == (FINANCE, PAYROLL)


def test_the_nearest_route_counts_even_switched_off() -> None:
    root = AlternateSecureRoute(unit="/", host="encryptor")
    off = AlternateSecureRoute(unit="/Finance", enabled=False)
    assert route_of((root, off), "/Finance/Payroll") is off
    assert route_of((root, off), "/Sales") is root
    assert route_of((off,), "/") is None


def test_parents_are_implied() -> None:
    assert units_of(Document(unit=(Unit(path="/A/B"),))) == ("/", "/A", "/A/B")
