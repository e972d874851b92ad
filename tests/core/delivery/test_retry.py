"""When mail is tried again, and when its time is up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.delivery.retry import expires_at, next_attempt

HOUR = 3600.0
DAY = 24 * HOUR
NEVER = float("inf")


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 240), (8, 240), (1000, 240)]
)
def test_waits_double_up_to_four_hours(attempts: int, minutes: float) -> None:
    assert next_attempt(attempts, 1000.0, 0.5, latest=NEVER) == pytest.approx(1000 + 60 * minutes)


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 5), (4, 40), (5, 60), (9, 60)])
def test_secure_transport_failures_are_retried_at_least_hourly(attempts: int, minutes: float) -> None:
    assert next_attempt(attempts, 0.0, 0.5, latest=NEVER, insecure=True) == pytest.approx(60 * minutes)


def test_chance_moves_a_wait_by_up_to_a_fifth() -> None:
    assert next_attempt(1, 0.0, 0.0, latest=NEVER) == pytest.approx(240)
    assert next_attempt(1, 0.0, 0.999999, latest=NEVER) == pytest.approx(360, abs=1)


def test_last_attempt_is_made_when_the_time_is_up() -> None:
    assert next_attempt(9, 100.0, 0.5, latest=200.0) == 200.0
    assert next_attempt(9, 300.0, 0.5, latest=200.0) == 300.0  # the clock was set back, or the spans were shortened


@given(st.integers(1, 50), st.floats(0, 1e9), st.floats(0, 0.999), st.floats(0, 2e9), st.booleans())
def test_next_attempt_is_never_in_the_past(
    attempts: int,
    now: float,
    roll: float,
    latest: float,
    insecure: bool,
) -> None:
    at = next_attempt(attempts, now, roll, latest=latest, insecure=insecure)
    assert now <= at <= max(now, min(latest, now + 4 * HOUR * 1.2))


@pytest.mark.parametrize(
    ("insecure_since", "expires"),
    [
        (0.0, 5 * DAY),  # deferred for any other reason: five days after acceptance
        (HOUR, HOUR + DAY),  # for secure transport: a day after its first failure
        (4.5 * DAY, 5 * DAY),  # never after the five days
    ],
)
def test_time_is_up(insecure_since: float, expires: float) -> None:
    at = expires_at(accepted_at=1.0, insecure_since=insecure_since, secure_expiry=DAY, expiry=5 * DAY)
    assert at == pytest.approx(expires, abs=2)
