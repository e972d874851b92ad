"""Whose settings apply: forged envelopes, tags, subdomains, accounts, and several header From."""

import pytest

from percorso.core.mail.address import parse_address
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.decide import decide
from percorso.core.settings.schema import Document
from percorso.core.tls.requirement import TlsVersion
from tests.core.policy.world import mail, settings


@pytest.mark.parametrize(
    ("sender", "unit"),
    [
        ("cfo@corp.test", "/Finance"),
        ("CFO@Corp.Test", "/Finance"),
        ("cfo+report@corp.test", "/Finance"),
        ("cfox@corp.test", "/"),
        ("any@finance.corp.test", "/Finance"),
        ("any@eu.finance.corp.test", "/"),  # without the leading dot, exactly that domain
        ("payroll@corp.test", "/Finance/Payroll"),
        ("cfo@lab.corp.test", "/Lab"),
        ("cfo@stranger.test", "/"),
    ],
)
def test_unit_by_envelope_sender(sender: str, unit: str) -> None:
    assert settings().unit_of(parse_address(sender)) == unit


def test_null_sender_is_of_the_root() -> None:
    assert settings().unit_of(None) == "/"


def test_account_goes_before_the_envelope_sender() -> None:
    tables = {"unit": [{"path": "/A", "senders": ["a@corp.test"]}, {"path": "/B"}]}
    tables["account"] = [{"name": "scanner", "unit": "/B"}]
    compiled = compile_settings(Document.model_validate(tables), version=1)
    assert compiled.unit_of(parse_address("a@corp.test"), "scanner") == "/B"
    assert compiled.unit_of(None, "scanner") == "/B"
    assert compiled.unit_of(parse_address("a@corp.test"), "removed") == "/A"


def test_address_goes_before_domain_and_longer_domain_before_shorter() -> None:
    extra = """
[[unit]]
path = "/Sub"
senders = [".lab.corp.test"]
[[unit]]
path = "/Deep"
senders = [".x.lab.corp.test", "boss@finance.corp.test"]
"""
    compiled = settings(extra=extra)
    assert compiled.unit_of(parse_address("a@y.lab.corp.test")) == "/Sub"
    assert compiled.unit_of(parse_address("a@y.x.lab.corp.test")) == "/Deep"
    assert compiled.unit_of(parse_address("boss@finance.corp.test")) == "/Deep"


def test_forged_envelope_does_not_pick_a_laxer_unit() -> None:
    honest = decide(mail("cfo@corp.test", "bob@bank.test", header_from=("cfo@corp.test",)), settings())
    forged = decide(mail("x@lab.corp.test", "bob@bank.test", header_from=("cfo@corp.test",)), settings())
    assert forged.unit == "/Lab"
    assert forged.requirement.covers(honest.requirement)
    assert "tls_compliance/All of Finance" in forged.rules


def test_every_header_from_counts() -> None:
    decision = decide(
        mail("x@lab.corp.test", "bob@open.test", header_from=("x@lab.corp.test", "any@finance.corp.test")), settings()
    )
    assert decision.requirement.min_version == TlsVersion.TLS_1_3


def test_header_from_with_a_bare_domain_counts() -> None:
    decision = decide(mail("x@lab.corp.test", "bob@open.test", header_from=("finance.corp.test",)), settings())
    assert decision.requirement.encrypted


def test_route_is_the_envelopes_even_where_the_requirement_is_not() -> None:
    facts = mail("a@field.corp.test", "bob@open.test", header_from=("cfo@corp.test",))
    decision = decide(facts, settings())
    assert [str(hop) for hop in decision.hops] == ["direct to open.test"]


def test_nobody_asks_for_the_header_from_where_there_is_one_unit() -> None:
    text = '[organization]\ndomains = ["corp.test"]\n'
    assert settings(text=text).header_names == frozenset()
    assert settings(text=text + '[[unit]]\npath = "/A"\nsenders = ["a@corp.test"]\n').header_names == {"from"}


@pytest.mark.parametrize(
    ("sender", "admitted"),
    [
        ("user@corp.test", True),
        ("user@eu.corp.test", True),
        ("user@xcorp.test", False),
        ("user@corp.test.evil.test", False),
        ("user@stranger.test", False),
        ("news@agency.test", True),
    ],
)
def test_senders_admitted(sender: str, admitted: bool) -> None:
    compiled = settings(extra='[[unit]]\npath = "/Press"\nsenders = ["news@agency.test"]\n')
    assert compiled.admits_sender(parse_address(sender)) is admitted


def test_null_sender_is_admitted() -> None:
    assert settings().admits_sender(None)
