"""A day in fast motion, in small; `make day` lives through the long one."""

from tests.simulation.day import live

MESSAGES = 3000


def test_every_message_of_a_day_is_accounted_for() -> None:
    shown, books = live(MESSAGES)
    assert books.wrong == [], shown
    assert books.delivered + books.bounced + books.queued == MESSAGES
    assert min(books.delivered, books.bounced, books.queued, books.required, books.by_alternate) > 0, shown
    assert min(books.twice, books.notices) > 0, shown
    assert books.healthy_delay < 60.0, shown
