"""A destination that cannot be reached is probed now and then, and open again at the first answer."""

import pytest

from percorso.core.delivery.backoff import (
    REACHED,
    SILENCES,
    Backoff,
    abandoned,
    after,
    begun,
    forgiven,
)


def silent(times: int, *, now: float = 100.0) -> Backoff:
    """After so many attempts without an answer, each a probe where that is all that may be made."""
    state = REACHED
    for _ in range(times):
        state = after(state if state.open else begun(state), answered=False, now=now)
    return state


@pytest.mark.parametrize(
    ("silences", "pause"), [(4, 0), (5, 15), (6, 30), (7, 60), (8, 120), (9, 240), (10, 480), (11, 600), (99, 600)]
)
def test_pauses_grow_up_to_ten_minutes(silences: int, pause: float) -> None:
    state = silent(silences)
    assert state.open is (pause == 0)
    assert state.until == (100 + pause if pause else 0)


def test_one_probe_after_the_pause() -> None:
    state = silent(SILENCES)
    assert not state.may_probe(114.9)
    assert state.may_probe(115.0)
    assert not begun(state).may_probe(500.0)
    assert abandoned(begun(state)).may_probe(500.0)


def test_the_first_answer_opens_it() -> None:
    assert after(begun(silent(9)), answered=True, now=200.0) == REACHED
    assert after(silent(4), answered=True, now=200.0) == REACHED


def test_attempts_that_began_before_the_pause_do_not_lengthen_it() -> None:
    state = silent(SILENCES)
    assert after(state, answered=False, now=110.0) == state


def test_with_hope_one_attempt_decides() -> None:
    state = forgiven(silent(9))
    assert state.open
    assert after(state, answered=False, now=200.0) == Backoff(silences=SILENCES, until=215.0)
    assert forgiven(REACHED) == REACHED
