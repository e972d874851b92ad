"""What is allowed, beside all that `bad/` refuses."""

import base64

import pytest
from hypothesis import given

from percorso.core.settings.duration import seconds
from percorso.core.settings.pin import parse_pin
from percorso.core.settings.schema import Document
from percorso.core.settings.toml import parse
from percorso.core.settings.validation import check_tables, validate
from tests.core.settings.documents import documents

WHOLE = """\
[organization]
name = "Corp"
domains = ["corp.test", ".corp.test"]
inbound_host = "mailstore"
secure_expiry = "12h"

[[unit]]
path = "/Finance/Payroll"
senders = ["finance.corp.test", "cfo@corp.test"]

[[host]]
name = "encryptor"
primary = [{ address = "gw1.example", load = 50 }, { address = "gw2.example", port = 587, load = 50 }]
secondary = [{ address = "192.0.2.7", port = 2525 }]
networks = ["192.0.2.0/24", "2001:db8::1"]

[[host]]
name = "mailstore"
primary = [{ address = "store.corp.test", port = 465 }]
tls = "implicit"
require_ca = false
validate_hostname = false

[[address_list]]
name = "partners"
entries = ["bank.test", ".bank.test", "Audit@Partner.test", "münchen.test"]

[[tls_compliance]]
name = "Partners need TLS"
lists = ["partners"]

[[tls_compliance]]
name = "Payroll needs a private CA"
unit = "/Finance"
applies_to = "outbound-required-elsewhere"
all = true
ca_file = "/etc/ssl/private-ca.pem"
match = ["mx.bank.test"]
dane_satisfies = false
overrides = "Partners need TLS"

[[routing_rule]]
name = "Secure by subject"
match = { header = "Subject", contains = "[secure]", list = "partners", larger_than = 1000 }

[[alternate_secure_route]]
host = "encryptor"
when = "on-failure"

[[alternate_secure_route]]
unit = "/Finance"
enabled = false
"""


def test_a_whole_document_is_accepted() -> None:
    checked = check_tables(parse(WHOLE).tables)
    assert checked.problems == ()
    assert checked.document


def test_an_empty_document_is_accepted() -> None:
    assert check_tables({}).problems == ()


def test_a_host_with_a_pin_of_its_own_proves_more_than_a_certificate() -> None:
    pinned = WHOLE.replace('name = "encryptor"', f'name = "encryptor"\nrequire_ca = false\npin = "{"ab" * 32}"')
    assert check_tables(parse(pinned).tables).problems == ()


def test_a_weak_host_is_accepted_where_no_route_leads_there() -> None:
    text = WHOLE.replace('host = "encryptor"', 'host = "encryptor"\nenabled = false')
    weak = text.replace('name = "encryptor"', 'name = "encryptor"\nrequire_tls = false\nrequire_ca = false')
    assert check_tables(parse(weak).tables).problems == ()


def test_limits_of_size() -> None:
    entry_lists = [{"name": "partners", "entries": ["a.test"] * 100_001}]
    tables = {"organization": {"domains": ["corp.test"]}, "address_list": entry_lists}
    (problem,) = check_tables(tables).problems
    assert str(problem) == 'address_list "partners": entries has more than 100000 entries; shorten it'
    lists = [{"name": f"list {number}"} for number in range(2_001)]
    problems = check_tables({"organization": {"domains": ["corp.test"]}, "address_list": lists}).problems
    assert [str(one) for one in problems] == ["address_list has more than 2000 entries; shorten it"]


@given(documents)
def test_any_document_can_be_judged(document: Document) -> None:
    for problem in validate(document):
        assert problem.message
        assert problem.mend
        head = problem.path[0]
        assert head in Document.model_fields


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("30m", 1800), ("24h", 86400), ("5d", 432000)])
def test_spans_of_time(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "0h", "-1h", "1.5h", "1h30m", "1 h", "h", "1w", "٣h"])
def test_no_spans_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a span of time"):
        seconds(text)


def test_pins() -> None:
    digest = bytes(range(32))
    assert parse_pin(digest.hex().upper()) == digest.hex()
    assert parse_pin(f"sha256:{base64.b64encode(digest).decode()}") == digest.hex()


@pytest.mark.parametrize("text", ["", "ab", "sha1:" + "ab" * 32, "sha256:AAAA", "sha256:" + "ab" * 32, "é" * 64])
def test_no_pins(text: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256 pin"):
        parse_pin(text)
