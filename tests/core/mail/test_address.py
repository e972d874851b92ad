"""Addresses: what is one, what is not, and what is the same as what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.mail.address import (
    Address,
    BadAddress,
    comparison_key,
    domain_keys,
    match_keys,
    parse_address,
    parse_domain,
    parse_entry,
    parse_path,
    quote_local,
)

GOOD_DOMAINS = {
    "bank.test": "bank.test",
    "BANK.Test": "bank.test",
    "bank.test.": "bank.test",
    "test": "test",
    "a-b.c--d.test": "a-b.c--d.test",
    "_dmarc.bank.test": "_dmarc.bank.test",
    "under_score.test": "under_score.test",
    "1.2.test": "1.2.test",
    "bücher.test": "xn--bcher-kva.test",
    "BÜCHER.test": "xn--bcher-kva.test",
    "bu\u0308cher.test": "xn--bcher-kva.test",
    "xn--bcher-kva.test": "xn--bcher-kva.test",
    "ｂａｎｋ.test": "bank.test",
    "bank。test": "bank.test",
    "a" * 63 + ".test": "a" * 63 + ".test",
}

BAD_DOMAINS = [
    "",
    ".",
    "..",
    ".test",
    "a..test",
    "bank.test..",
    "-bank.test",
    "bank-.test",
    "ba nk.test",
    "bank.test\r\n",
    "bank.test\0",
    "bank@test",
    "bank/test",
    "[192.0.2.1]",
    "[IPv6:2001:db8::1]",
    "a" * 64 + ".test",
    ".".join(["a" * 50] * 6),
    "\u200b.test",
    "bank.te\u0000st",
    "\ud800.test",
    "ü" * 200 + ".test",
]

GOOD_PATHS = {  # text: (local, domain), as it is written again
    "a@b.test": ("a", "b.test", "a@b.test"),
    "A.B@b.test": ("A.B", "b.test", "A.B@b.test"),
    "o'hara+tag=x{y}|z@b.test": ("o'hara+tag=x{y}|z", "b.test", "o'hara+tag=x{y}|z@b.test"),
    '"a"@b.test': ("a", "b.test", "a@b.test"),
    '"a b"@b.test': ("a b", "b.test", '"a b"@b.test'),
    '"a.."@b.test': ("a..", "b.test", '"a.."@b.test'),
    '"a\\"b\\\\"@b.test': ('a"b\\', "b.test", '"a\\"b\\\\"@b.test'),
    "@hop.test:a@b.test": ("a", "b.test", "a@b.test"),
    "@hop.test,@other.test:a@b.test": ("a", "b.test", "a@b.test"),
    "è@b.test": ("è", "b.test", "è@b.test"),
    "a" * 64 + "@b.test": ("a" * 64, "b.test", "a" * 64 + "@b.test"),
}

BAD_PATHS = [
    "a",
    "@",
    "a@",
    "@b.test",
    "a b@b.test",
    ".a@b.test",
    "a.@b.test",
    "a..b@b.test",
    "a@b@c.test",
    "a@[192.0.2.1]",
    "user%other.test@b.test",
    "other.test!user@b.test",
    '"user%other.test"@b.test',
    '"user@other.test"@b.test',
    '""@b.test',
    '"a"b@b.test',
    '"a@b.test',
    '"a\tb"@b.test',
    "a\0@b.test",
    "a\r\n@b.test",
    "a,b@c.test",
    "a(comment)@b.test",
    "<a@b.test>",
    "hop.test:a@b.test",
    "@hop.test,other.test:a@b.test",
    "@hop.test:",
    "a\u200b@b.test",  # a space of no width
    "a\u202e@b.test",  # turns the writing round
    "a\u2028b@b.test",  # a line separator
    "a\u0085b@b.test",  # a line end to some
    "a" * 65 + "@b.test",
    "é" * 33 + "@b.test",
    "a@" + ".".join(["b" * 62] * 4) + ".test",
]


@pytest.mark.parametrize("text", GOOD_DOMAINS)
def test_domain(text: str) -> None:
    assert parse_domain(text) == GOOD_DOMAINS[text]


@pytest.mark.parametrize("text", BAD_DOMAINS)
def test_no_domain(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_domain(text)


@pytest.mark.parametrize("text", GOOD_PATHS)
def test_path(text: str) -> None:
    address = parse_path(text)
    assert address is not None
    assert (address.local, address.domain, str(address)) == GOOD_PATHS[text]


@pytest.mark.parametrize("text", BAD_PATHS)
def test_no_path(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_path(text)


def test_null_path() -> None:
    assert parse_path("") is None


@given(st.text(max_size=300))
def test_any_text_is_a_path_or_a_bad_address(text: str) -> None:
    try:
        address = parse_path(text)
    except BadAddress:
        return
    if address is not None:
        assert parse_path(str(address)) == address
        assert not any(sign in str(address) for sign in "\r\n\0")


@given(st.text(max_size=300))
def test_any_text_is_a_domain_or_a_bad_address(text: str) -> None:
    try:
        domain = parse_domain(text)
    except BadAddress:
        return
    assert domain.isascii()
    assert domain == domain.lower()
    assert parse_domain(domain) == domain


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF), min_size=1, max_size=30))
def test_quoting_is_undone_by_parsing(local: str) -> None:
    written = f"{quote_local(local)}@b.test"
    try:
        assert parse_address(written).local == local
    except BadAddress:
        assert any(sign in local for sign in "%!@\x7f") or not local.isprintable() or len(local.encode()) > 64


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A@b.test", "a@B.TEST"),
        ('"a"@b.test', "a@b.test"),
        ("É@b.test", "é@b.test"),
        ("e\u0301@b.test", "é@b.test"),
        ("straße@b.test", "STRASSE@b.test"),
        ("a@bücher.test", "a@xn--bcher-kva.test"),
    ],
)
def test_same_mailbox(one: str, other: str) -> None:
    assert comparison_key(parse_address(one)) == comparison_key(parse_address(other))
    assert match_keys(parse_address(one)) == match_keys(parse_address(other))


@pytest.mark.parametrize(("one", "other"), [("a@b.test", "a@b.c.test"), ("a.b@c.test", "ab@c.test")])
def test_other_mailbox(one: str, other: str) -> None:
    assert comparison_key(parse_address(one)) != comparison_key(parse_address(other))


def test_match_keys_from_the_most_specific() -> None:
    address = Address(local="User+tag+more", domain="mx.bank.test")
    assert match_keys(address) == (
        "user+tag+more@mx.bank.test",
        "user@mx.bank.test",
        "mx.bank.test",
        ".bank.test",
        ".test",
    )
    assert "user@mx.bank.test" not in match_keys(address, untagged=False)
    assert domain_keys("bank.test") == ("bank.test", ".test")


@pytest.mark.parametrize(
    ("entry", "address", "matches"),
    [
        ("bank.test", "a@bank.test", True),
        ("bank.test", "a@sub.bank.test", False),
        (".bank.test", "a@sub.bank.test", True),
        (".bank.test", "a@deep.sub.bank.test", True),
        (".bank.test", "a@bank.test", False),
        (".bank.test", "a@otherbank.test", False),
        (" Bank.TEST. ", "a@bank.test", True),
        ("A@Bank.test", "a+invoices@bank.test", True),
        ("a+x@bank.test", "a@bank.test", False),
        ("bücher.test", "a@xn--bcher-kva.test", True),
    ],
)
def test_entry_of_a_list(entry: str, address: str, matches: bool) -> None:
    assert (parse_entry(entry) in match_keys(parse_address(address))) == matches


@pytest.mark.parametrize("entry", ["", ".", "@", "@bank.test", "*.bank.test", "a b", "..bank.test"])
def test_no_entry(entry: str) -> None:
    with pytest.raises(BadAddress):
        parse_entry(entry)


def test_needs_smtputf8_only_for_the_local_part() -> None:
    assert parse_address("è@b.test").needs_smtputf8
    assert not parse_address("e@è.test").needs_smtputf8


def test_words_of_a_bad_address_are_short_and_printable() -> None:
    """They go into replies and logs."""
    for text in [
        *BAD_PATHS,
        "x" * 100_000,
        "a@" + "é" * 9_000,
        "a@[" + "y" * 9_000,
        "a@" + "y" * 100_000,
        "\x1b[31m@b.test",
    ]:
        with pytest.raises(BadAddress) as caught:
            parse_path(text)
        assert len(str(caught.value)) < 400
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["\ud800@bank.test", '"\ud800"@bank.test', "bob@b\ud800nk.test"])
def test_a_lone_surrogate_is_no_address(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_address(text)
    with pytest.raises(BadAddress):
        parse_path(text)
