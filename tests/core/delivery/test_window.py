"""How many connections a destination takes is learned from what it says."""

import pytest

from percorso.core.delivery.window import Window, grown, halved, too_much
from percorso.core.mail.reply import Reply


def after(good: int, window: Window = Window(), *, most: int = 20) -> Window:  # noqa: B008 (it never changes)
    for _ in range(good):
        window = grown(window, most)
    return window


@pytest.mark.parametrize(("good", "width"), [(0, 5), (1, 6), (5, 10), (15, 20), (500, 20)])
def test_it_grows_with_each_attempt_that_goes_well_up_to_the_maximum(good: int, width: int) -> None:
    assert after(good).width(20) == width


@pytest.mark.parametrize(("times", "width"), [(1, 10), (2, 5), (3, 2), (4, 1), (9, 1)])
def test_it_halves_down_to_one(times: int, width: int) -> None:
    window = after(500)
    for _ in range(times):
        window = halved(window, 20)
    assert window.width(20) == width


def test_after_that_it_grows_by_one_with_each_round() -> None:
    window = halved(after(500), 20)
    assert after(9, window).width(20) == 10
    assert after(11, window).width(20) == 11
    assert after(1000, window).width(20) == 20


def test_a_low_maximum_holds_from_the_start() -> None:
    assert Window().width(2) == 2


@pytest.mark.parametrize(
    ("reply", "says_so"),
    [
        (Reply(code=421, text="too many connections"), True),
        (Reply(code=450, enhanced="4.3.2"), True),
        (Reply(code=451, enhanced="4.4.5"), True),
        (Reply(code=451, enhanced="4.7.1", text="greylisted"), False),
        (Reply(code=550, enhanced="5.1.1"), False),
        (Reply(code=250), False),
    ],
)
def test_what_says_that_it_is_too_much(reply: Reply, says_so: bool) -> None:
    assert too_much(reply) is says_so
