"""Each condition is told once, once a day, and once when it is over."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from percorso.core.alerts.condition import OF_THE_QUEUE, Condition, Kind
from percorso.core.alerts.course import QUIET, REMINDER, Alert, Change, State, step

DOWN = Condition(kind=Kind.HOST_DOWN, subject="encryptor", figure="1")
GROWN = Condition(kind=Kind.QUEUE_GROWTH, subject="mail1")
LOW = Condition(kind=Kind.DISK_LOW, subject="mail1")


def changes(alerts: Sequence[Alert]) -> list[tuple[Change, Kind]]:
    return [(alert.change, alert.condition.kind) for alert in alerts]


def test_raised_once_then_reminded_daily_then_over() -> None:
    state: State = ()
    told = []
    for minute in range(3 * 24 * 60):
        present = [DOWN] if minute < 2 * 24 * 60 + 30 else []
        state, alerts = step(state, present, minute * 60.0)
        told += [(minute, alert.change) for alert in alerts]
    assert told == [
        (0, Change.RAISED),
        (1440, Change.REMINDER),
        (2880, Change.REMINDER),
        (2 * 1440 + 29 + 10, Change.RECOVERED),
    ]
    assert state == ()


def test_what_comes_and_goes_is_told_once() -> None:
    state: State = ()
    told: list[Alert] = []
    for minute in range(120):
        state, alerts = step(state, [DOWN] if minute % 8 == 0 else [], minute * 60.0)
        told += alerts
    assert changes(told) == [(Change.RAISED, Kind.HOST_DOWN)]


def test_the_figure_of_a_reminder_is_the_newest() -> None:
    state, _ = step((), [DOWN], 0.0)
    worse = Condition(kind=Kind.HOST_DOWN, subject="encryptor", figure="900")
    _, (reminder,) = step(state, [worse], REMINDER)
    assert (reminder.condition.figure, reminder.since) == ("900", 0.0)


def test_what_cannot_be_looked_at_is_not_over() -> None:
    state, _ = step((), [DOWN, LOW], 0.0)
    state, alerts = step(state, [], 10 * QUIET, unknown=OF_THE_QUEUE)
    assert changes(alerts) == [(Change.RECOVERED, Kind.DISK_LOW)]
    assert [raised.condition for raised in state] == [DOWN]


@given(st.lists(st.tuples(st.floats(0, 4000), st.sets(st.sampled_from([DOWN, GROWN, LOW]))), max_size=60))
def test_every_recovery_follows_an_alert_and_none_is_raised_twice(
    looks: list[tuple[float, set[Condition]]],
) -> None:
    state: State = ()
    now = 0.0
    open_: set[tuple[Kind, str]] = set()
    for pause, found in looks:
        now += pause
        state, alerts = step(state, found, now)
        for alert in alerts:
            key = alert.condition.key
            assert (key in open_) == (alert.change is not Change.RAISED)
            (open_.discard if alert.change is Change.RECOVERED else open_.add)(key)
        assert {raised.condition.key for raised in state} == open_
        assert {condition.key for condition in found} <= open_
