"""Header fields as readers see them, and every way that we know of to hide one."""

import base64
import time
from email.header import Header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.mail.headers import decode, find_fields, from_addresses, unfold

NAMES = {"subject", "from", "received"}


def values(head: bytes) -> list[str]:
    return [unfold(value) for name, value in find_fields(head, NAMES) if name == "subject"]


FOUND = [
    ("plain", b"Subject: secret\r\n\r\n", ["secret"]),
    ("the last line without a body", b"To: a\r\nSubject: secret\r\n", ["secret"]),
    ("without a line end", b"Subject: secret", ["secret"]),
    ("any case", b"sUBJECT:secret\r\n\r\n", ["secret"]),
    ("doubled", b"Subject: one\r\nTo: x\r\nSubject: two\r\n\r\n", ["one", "two"]),
    ("folded", b"Subject: sec\r\n\tret\r\n \r\n\tx\r\nTo: a\r\n\r\n", ["sec\tret \tx"]),
    ("value on the folded line", b"Subject:\r\n secret\r\n\r\n", ["secret"]),
    ("space before the colon", b"Subject \t: secret\r\n\r\n", ["secret"]),
    ("behind a doubled dot it is another field", b"..Subject: secret\r\n\r\n", []),
    ("behind a single dot it is the field", b"To: a\r\n.Subject: secret\r\n\r\n", ["secret"]),
    ("a folded line behind a dot", b"Subject: a\r\n. secret\r\n\r\n", ["a secret"]),
    ("in the body", b"To: a\r\n\r\nSubject: secret\r\n", []),
    ("an empty header", b"\r\nSubject: secret\r\n", []),
    ("as part of another name", b"X-Subject: secret\r\nSubjects: secret\r\n\r\n", []),
    ("behind garbage that is no field", b"no field here\r\nSubject: secret\r\n\r\n", ["secret"]),
    ("behind a bare LF", b"X: a\nSubject: secret\r\n\r\n", ["secret"]),
    ("behind a bare CR", b"X: a\rSubject: secret\r\n\r\n", ["secret"]),
    ("behind a bare CR at the end", b"X: a\r\r\nSubject: secret\r\n\r\n", ["secret"]),
    ("with NUL in its name", b"Sub\x00ject: secret\r\n\r\n", ["secret"]),
    ("with NUL in its value, both readings", b"Subject: se\x00cret\r\n\r\n", ["se\x00cret", "secret"]),
    ("with a bare CR in its value, both readings", b"Subject: a\rsecret\r\n\r\n", ["a\rsecret", "a"]),
]


@pytest.mark.parametrize(("head", "expected"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND])
def test_fields_are_found(head: bytes, expected: list[str]) -> None:
    assert values(head) == expected


def test_names_and_order() -> None:
    head = b"Received: a\r\nFrom: b\r\nReceived: c\r\nTo: d\r\n\r\n"
    assert find_fields(head, NAMES) == [("received", b" a"), ("from", b" b"), ("received", b" c")]
    assert find_fields(head, {"to"}) == [("to", b" d")]


def word(charset: str, text: str) -> bytes:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?=".encode()


DECODED = [
    (b" plain text ", "plain text"),
    (b" sec\r\n ret\r\n", "sec ret"),
    ("Città".encode(), "Città"),  # RFC 6532
    (b"=?utf-8?Q?=5Bsecure=5D?=", "[secure]"),
    (b"=?UTF-8?q?[sec?= =?utf-8?Q?ure]?=", "[secure]"),
    (b"=?utf-8?q?[sec?=\r\n =?utf-8?B?dXJlXQ?=", "[secure]"),  # base64 without its padding
    (b"Re: =?iso-8859-1?Q?Citt=E0_s=ec?= now", "Re: Città sì now"),
    (b"=?utf-8?q?Citt=C3?= =?utf-8?q?=A0?=", "Città"),  # a character split over words
    (b"=?utf-8*it?q?ciao?=", "ciao"),  # RFC 2231, 5
    (b"a =?utf-8?q?b?=c", "a bc"),  # no space behind it: lenient readers decode it
    (word("utf-16", "sì"), "sì"),
    (b"what =? is this", "what =? is this"),
]


@pytest.mark.parametrize(("value", "expected"), DECODED)
def test_values_decode(value: bytes, expected: str) -> None:
    assert decode(value) == expected


UNREADABLE = [
    b"a\x00b",
    b"a\rb",
    b"a\nb",
    b"Citt\xe0",  # 8-bit, not UTF-8
    b"=?no-such-charset?q?a?=",
    b"=?utf-8?x?a?=",
    b"=?utf-8?b?a?=",
    b"=?utf-8?b?####?=",
    b"=?utf-8?q?=FF?=",
    b"=?hex?q?61?=",  # a codec, but no charset
    b"=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=",  # decodes into an encoded word
    b"=?utf-8?q?a\x00b?=",
]


@pytest.mark.parametrize("value", UNREADABLE)
def test_what_readers_may_take_differently_is_unreadable(value: bytes) -> None:
    assert decode(value) is None


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1))
def test_what_the_standard_library_encodes_is_read_back(text: str) -> None:
    encoded = Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n").encode()
    if "=?" not in text:
        assert decode(encoded) == text.strip(" \t")


@given(st.binary(max_size=300))
def test_no_value_breaks_the_decoder(value: bytes) -> None:
    decode(b"=?" + value)
    from_addresses(value)
    find_fields(b"Subject:" + value, NAMES)


FROM = [
    (b" Carlo <CFO@Corp.test>", {"cfo@corp.test"}),
    (b"cfo@corp.test", {"cfo@corp.test"}),
    (b"<cfo@corp.test.>", {"cfo@corp.test"}),
    (b"a@one.test, B <b@two.test>", {"a@one.test", "b@two.test"}),
    (b"cfo @ corp . test", {"cfo@corp.test"}),
    (b"cfo@corp.(comment)test (nested (comment))", {"cfo@corp.test", "cfo@corp"}),
    (b"cfo@corp.\r\n test", {"cfo@corp.test", "cfo@corp"}),
    (b'"cfo"@corp.test', {"cfo@corp.test"}),
    (b'"ceo@corp.test" <eve@evil.test>', {"ceo@corp.test", "eve@evil.test"}),
    (b"=?utf-8?q?ceo=40corp.test?= <eve@evil.test>", {"ceo@corp.test", "eve@evil.test"}),
    ("x@münchen.test".encode(), {"x@xn--mnchen-3ya.test"}),
    (b"<@relay.test:cfo@corp.test>", {"cfo@corp.test"}),
    (b"(ceo@corp.test <eve@evil.test>", {"ceo@corp.test", "eve@evil.test"}),
    (b"a%b@corp.test", {"corp.test"}),
    (b"a!b@corp.test", {"corp.test"}),
]


@pytest.mark.parametrize(("value", "expected"), FROM)
def test_every_address_that_a_reader_may_find(value: bytes, expected: set[str]) -> None:
    found, unreadable = from_addresses(value)
    assert set(found) == expected
    assert not unreadable


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"nobody",
        b"undisclosed:;",
        b"a@[192.0.2.1]",
        b"a@corp_.test.-",
        b"Citt\xe0 <a@corp.test>",
        b"a\x00@corp.test",
    ],
)
def test_an_unreadable_from(value: bytes) -> None:
    assert from_addresses(value)[1]


def test_a_longer_from_is_unreadable() -> None:
    found, unreadable = from_addresses(b"a@b.test, " * 2000)
    assert "a@b.test" in found
    assert unreadable


HEAVY = [b"(" * 200_000, b'"' + b'\\"' * 100_000, b"a@" * 100_000, b" ." * 100_000, b"=?u?q?" * 40_000, b"\r" * 200_000]


@pytest.mark.parametrize("value", HEAVY, ids=range(len(HEAVY)))
def test_no_value_is_slow(value: bytes) -> None:
    """Quadratic work on these would take minutes."""
    start = time.process_time()
    find_fields(b"Subject: " + value, NAMES)
    decode(value)
    from_addresses(value)
    assert time.process_time() - start < 2
