"""What is printed is what was meant, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.cli.output import size, span, visible


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    assert visible(text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_readable_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_what_is_invisible_is_written_out() -> None:
    assert visible("a\x1b[31m\r\n\u202eb\x9b\U000e0001") == "a\\x1b[31m\\r\\n\\u202eb\\x9b\\U000e0001"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (0.4, "0 s"), (59, "59 s"), (3_661, "1 h 1 min"), (86_400, "1 d"), (90_000, "1 d 1 h")],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(("octets", "text"), [(1023, "1023 bytes"), (10_240, "10.0 KiB"), (52_428_800, "50.0 MiB")])
def test_sizes(octets: int, text: str) -> None:
    assert size(octets) == text
