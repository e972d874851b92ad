"""What a record keeps of a peer's words."""

import pytest

from percorso.core.evidence.record import without_addresses


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("421 4.7.0 too much mail for <bob@bank.test>, later", "421 4.7.0 too much mail for <…@bank.test>, later"),
        ('450 "bob b"@bank.test: greylisted', "450 …@bank.test: greylisted"),
        ("550 bob+tag@bank.test eve@shop.test", "550 …@bank.test …@shop.test"),
        ("no TLS here", "no TLS here"),
    ],
)
def test_nobody_is_named(said: str, kept: str) -> None:
    assert without_addresses(said) == kept
