"""Presented names against reference names: the table of RFC 9525, 6.3, and what tries to get around it."""

import pytest

from percorso.core.tls.names import any_name_matches, name_matches

MATCH = [
    ("mx.bank.test", "mx.bank.test"),
    ("*.bank.test", "mx.bank.test"),
    ("*.bank.test", "xn--caf-dma.bank.test"),
    ("xn--bcher-kva.test", "xn--bcher-kva.test"),
]
NO_MATCH = [
    ("mx.bank.test", "mx1.bank.test"),
    ("bank.test", "mx.bank.test"),
    ("mx.bank.test", "bank.test"),
    ("*.bank.test", "bank.test"),  # a wildcard stands for a label, not for none
    ("*.bank.test", "a.mx.bank.test"),  # nor for two
    ("*.test", "bank.test"),  # nobody owns a top-level domain
    ("*", "bank"),
    ("*", "mx.bank.test"),
    ("*.", "mx."),
    ("m*.bank.test", "mx.bank.test"),  # RFC 9525, 6.3: the whole label
    ("*x.bank.test", "mx.bank.test"),
    ("xn--*.bank.test", "xn--a.bank.test"),
    ("mx.*.test", "mx.bank.test"),
    ("*.*.test", "mx.bank.test"),
    ("*.*.bank.test", "a.*.bank.test"),
    ("*.bank.test", "*.bank.test.evil.test"),
    ("mx.bank.test\x00.evil.test", "mx.bank.test"),
    ("mx.bank.test", ""),
    ("", ""),
    ("*.bank.test", ".bank.test"),
    ("192.0.2.1", "192.0.2.1"),  # an address names nobody
    ("*.0.2.1", "192.0.2.1"),
    ("2001:db8::1", "2001:db8::1"),
]


@pytest.mark.parametrize(("presented", "reference"), MATCH)
def test_matches(presented: str, reference: str) -> None:
    assert name_matches(presented, reference)


@pytest.mark.parametrize(("presented", "reference"), NO_MATCH)
def test_does_not_match(presented: str, reference: str) -> None:
    assert not name_matches(presented, reference)


def test_any_of_many() -> None:
    assert any_name_matches(("a.test", "*.bank.test"), ("x.y.test", "mx.bank.test"))
    assert not any_name_matches((), ("mx.bank.test",))
    assert not any_name_matches(("mx.bank.test",), ())
