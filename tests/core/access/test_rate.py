"""Rates of accounts: never more than they say on the average, and who waits as told gets one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.access.rate import take
from percorso.core.settings.rate import Rate, parse_rate

HUNDRED_AN_HOUR = parse_rate("100/1h")
rates = st.builds(Rate, count=st.integers(1, 1000), seconds=st.floats(1.0, 86_400.0), text=st.just(""))


def test_a_hundred_at_once_and_then_one_every_36_seconds() -> None:
    until, now = 0.0, 1_800_000_000.0
    for _ in range(100):
        taken = take(HUNDRED_AN_HOUR, until, now)
        assert not taken.wait
        until = taken.until
    refused = take(HUNDRED_AN_HOUR, until, now)
    assert refused.wait == pytest.approx(36.0)
    assert refused.until == until
    assert take(HUNDRED_AN_HOUR, until, now + 35.9).wait
    assert not take(HUNDRED_AN_HOUR, until, now + 36.0).wait


@given(rates, st.lists(st.floats(0.0, 1000.0), max_size=200))
def test_never_more_than_the_rate(rate: Rate, pauses: list[float]) -> None:
    start = now = 1_800_000_000.0
    until, given_out = 0.0, 0
    for pause in pauses:
        now += pause
        taken = take(rate, until, now)
        until, given_out = taken.until, given_out + (not taken.wait)
        assert given_out <= rate.count * (1 + (now - start) / rate.seconds) + 1e-3


@given(rates, st.floats(0.0, 1e10))
def test_who_waits_as_told_gets_one(rate: Rate, until: float) -> None:
    now = 1_800_000_000.0
    taken = take(rate, until, now)
    assert taken.wait <= rate.seconds / rate.count + 1e-3  # also where the clock was set back
    if taken.wait:
        assert not take(rate, taken.until, now + taken.wait).wait


@pytest.mark.parametrize(
    "text", ["100", "0/1h", "-1/1h", "100/h", "1.5/1h", "100/1h ", "/1h", "100/0s", "1e3/1h", "١/1h"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_rate(text)


def test_a_rate_is_said_as_it_was_written() -> None:
    assert str(HUNDRED_AN_HOUR) == "100/1h"
    assert (HUNDRED_AN_HOUR.count, HUNDRED_AN_HOUR.seconds) == (100, 3600.0)
