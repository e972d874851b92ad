"""DKIM signatures, verified by another implementation."""

import base64
import hashlib
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.mail.dkim import BodyHash, signature_field
from percorso.core.smtp.data import to_wire

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)
HEAD = b"From: Anna <anna@corp.test>\r\nSubject: Hello\r\n"


def record(name: bytes, **_: Any) -> bytes:
    assert name == b"autumn._domainkey.corp.test."
    return b"v=DKIM1; k=rsa; p=" + PUBLIC


def sign(octets: bytes) -> bytes:
    return KEY.sign(octets, padding.PKCS1v15(), hashes.SHA256())


def signed(head: bytes, body: bytes, *, piece: int = 1000) -> bytes:
    """The message as the receiver has it: signed in wire form, unstuffed by the receiver."""
    wire = to_wire(head + b"\r\n" + body)
    wire_head = to_wire(head)
    content = BodyHash(skip=len(wire_head) + 2)
    for start in range(0, len(wire), piece):
        content.update(wire[start : start + piece])
    field = signature_field(
        wire_head, content.digest(), domain="corp.test", selector="autumn", at=1_700_000_000, sign=sign
    )
    return field + head + b"\r\n" + body


def verifies(message: bytes) -> bool:
    return bool(dkim.verify(message, dnsfunc=record))


LINES = st.lists(st.text("a. \t\u00e8", max_size=6).map(str.encode), max_size=12)


@given(LINES, st.integers(1, 9))
def test_any_body_verifies_however_it_is_cut(lines: list[bytes], piece: int) -> None:
    assert verifies(signed(HEAD, b"".join(line + b"\r\n" for line in lines), piece=piece))


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376, 3.4.5
        (b"no end", b"no end\r\n"),
        (b"..dot\r\n\r\nx\r\n", b".dot\r\n\r\nx\r\n"),
        (b" \r\n\t\r\n", b""),
    ],
)
def test_canonical_body(body: bytes, canonical: bytes) -> None:
    content = BodyHash()
    for octet in body:
        content.update(bytes([octet]))
    assert content.digest() == hashlib.sha256(canonical).digest()


@pytest.mark.parametrize(
    "head",
    [
        b"From: a@corp.test\r\n",
        b"From: a@corp.test\r\nsubject:\r\n folded \t twice\r\n\tover\r\nTo:\r\n",
        b"Received: x\r\nFrom: a@corp.test\r\nFrom: b@corp.test\r\nTo: c@d.test\r\nTo: e@f.test\r\n",
        b"From: a@corp.test\r\nContent-Type: text/plain;\r\n charset=utf-8\r\nSubject: \xc3\xa8\r\n",
        b"From: a@corp.test\r\n.Dot: x\r\nMessage-ID: <1@corp.test>\r\nReferences: <2@x> <3@x>\r\n",
    ],
)
def test_any_header_verifies(head: bytes) -> None:
    assert verifies(signed(head, b"Hello.\r\n.\r\n..\r\n"))


@pytest.mark.parametrize("added", [b"From: eve@corp.test\r\n", b"Subject: Other\r\n", b"Reply-To: eve@evil.test\r\n"])
def test_a_field_that_people_see_cannot_be_added(added: bytes) -> None:
    message = signed(HEAD, b"Hello.\r\n")
    assert verifies(message)
    assert verifies(b"X-Other: field\r\n" + message)
    assert not verifies(added + message)


def test_what_is_changed_no_longer_verifies() -> None:
    message = signed(HEAD, b"Hello.\r\n")
    assert not verifies(message.replace(b"Hello.", b"Hullo."))
    assert not verifies(message.replace(b"Anna", b"Enna"))


def test_lines_are_short() -> None:
    lines = signed(HEAD, b"").partition(b"From: Anna")[0].split(b"\r\n")
    assert max(map(len, lines)) <= 110
