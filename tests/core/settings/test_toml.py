"""Settings as TOML: what is written is read back the same, in one stable form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.settings.schema import AddressList, Document, Host, Organization, Server
from percorso.core.settings.toml import BadToml, parse, render
from percorso.core.settings.validation import check_tables
from tests.core.settings.documents import documents

EXAMPLE = """\
base = 7

[organization]
name = "Corp"
domains = ["corp.test"]
min_tls = "1.2"
language = "en"
secure_warning = "1h"
secure_expiry = "24h"
expiry = "5d"
requiretls = "strict"

[[host]]
name = "encryptor"
primary = [
    { address = "gw1.example", port = 25, load = 60 },
    { address = "gw2.example", port = 2525, load = 40 },
]
tls = "starttls"
require_tls = true
require_ca = false
validate_hostname = true
min_tls = "1.3"
"""


@given(documents, st.none() | st.integers(0, 10**9))
def test_reading_gives_back_what_was_written(document: Document, base: int | None) -> None:
    written = parse(render(document, base=base))
    assert Document.model_validate(written.tables) == document
    assert written.base == base


@given(documents)
def test_rendering_is_stable(document: Document) -> None:
    text = render(document)
    assert render(Document.model_validate(parse(text).tables)) == text


def test_a_document_as_people_read_it() -> None:
    servers = (Server(address="gw1.example", load=60), Server(address="gw2.example", port=2525, load=40))
    document = Document(
        organization=Organization(name="Corp", domains=("corp.test",)),
        host=(Host(name="encryptor", primary=servers, require_ca=False, min_tls="1.3"),),
    )
    assert render(document, base=7) == EXAMPLE


def test_long_lists_are_written_one_entry_a_line() -> None:
    entries = tuple(f"customer{number}.bank.test" for number in range(5))
    text = render(Document(address_list=(AddressList(name="partners", entries=entries),)))
    assert 'entries = [\n    "customer0.bank.test",\n' in text


def test_one_pin_may_be_written_without_a_list() -> None:
    host = '[[host]]\nname = "x"\nprimary = []\npin = "%s"\n' % ("ab" * 32)
    document = Document.model_validate(parse(host).tables)
    assert document.host[0].pin == ("ab" * 32,)


def test_base_must_be_a_number() -> None:
    checked = check_tables(parse('base = "7"\n').tables)
    assert [str(problem) for problem in checked.problems] == [
        "base is '7'; write the number of a version, or leave it out"
    ]


def test_a_syntax_error_has_its_line_and_column() -> None:
    with pytest.raises(BadToml, match="close the quotes") as caught:
        parse('[organization]\nname = "Corp\n')
    assert (caught.value.line, caught.value.column) == (2, 13)
