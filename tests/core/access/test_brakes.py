"""Brakes: who guesses is slowed down, and nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.access.brakes import OF_NETWORK, OF_PAIR, Allowance, Brakes, client_network

GUESSER = "192.0.2.66"
OTHER = "198.51.100.7"


def guess(brakes: Brakes, account: str, times: int, now: float = 0.0, client: str = GUESSER) -> int:
    """How many of so many wrong guesses are let through."""
    return sum(not brakes.attempt(client, account, now) for _ in range(times))


def test_a_few_failures_are_free_and_then_one_a_minute() -> None:
    brakes = Brakes()
    assert guess(brakes, "anna", 100) == OF_PAIR.failures
    assert brakes.attempt(GUESSER, "anna", 0.0) == pytest.approx(OF_PAIR.forgotten_after)
    assert guess(brakes, "anna", 100, now=59.0) == 0
    assert guess(brakes, "anna", 100, now=60.0) == 1
    assert guess(brakes, "anna", 100, now=60.0 + 2 * 60.0) == 2


def test_many_at_once_are_no_way_around() -> None:
    """An attempt counts before it is judged."""
    brakes = Brakes()
    assert guess(brakes, "anna", 500) == OF_PAIR.failures


def test_a_success_takes_the_accounts_failures_back() -> None:
    brakes = Brakes()
    for _ in range(50):
        guess(brakes, "anna", 3)
        assert not brakes.attempt(GUESSER, "anna", 0.0)
        brakes.succeeded(GUESSER, "anna", 0.0)


def test_many_accounts_from_one_network() -> None:
    brakes = Brakes()
    let_through = sum(guess(brakes, f"user{number}", 1) for number in range(1000))
    assert let_through == OF_NETWORK.failures
    assert guess(brakes, "user1000", 1, now=OF_NETWORK.forgotten_after) == 1


def test_an_own_account_is_no_way_to_guess_others() -> None:
    """Successes in between give back only themselves."""
    brakes = Brakes()
    let_through = 0
    for number in range(1000):
        if not brakes.attempt(GUESSER, "own", 0.0):
            brakes.succeeded(GUESSER, "own", 0.0)
        let_through += guess(brakes, f"user{number}", 1)
    assert let_through == OF_NETWORK.failures


def test_who_has_been_right_before_is_not_shut_out_by_a_neighbour() -> None:
    brakes = Brakes()
    brakes.attempt(GUESSER, "anna", 0.0)
    brakes.succeeded(GUESSER, "anna", 0.0)
    for number in range(1000):
        guess(brakes, f"user{number}", 1)
    assert brakes.attempt(GUESSER, "new", 0.0)
    assert not brakes.attempt(GUESSER, "anna", 0.0)
    assert guess(brakes, "anna", 100) == OF_PAIR.failures - 1


def test_what_was_not_judged_does_not_count() -> None:
    brakes = Brakes()
    for _ in range(1000):
        assert not brakes.attempt(GUESSER, "anna", 0.0)
        brakes.withdrawn(GUESSER, "anna", 0.0)


steps = st.tuples(
    st.sampled_from(["192.0.2.66", "192.0.2.67", "2001:db8:1::1", "2001:db8:1:0:ffff::2", "2001:db8:1:1::1"]),
    st.sampled_from(["anna", "carla", "nobody"]),
    st.sampled_from(["attempt", "succeeded", "withdrawn"]),
    st.floats(0.0, 100.0),
)


@given(st.lists(steps, max_size=60), st.sampled_from(["anna", "carla", "nobody"]))
def test_nobody_is_delayed_by_someone_elses_failures(history: list[tuple[str, str, str, float]], account: str) -> None:
    brakes = Brakes(
        of_pair=Allowance(failures=2, forgotten_after=60.0), of_network=Allowance(failures=3, forgotten_after=9)
    )
    now = 0.0
    for client, name, what, pause in history:
        now += pause
        getattr(brakes, what)(client, name, now)
    assert not brakes.attempt(OTHER, account, now)
    assert not brakes.attempt("2001:db8:2::1", account, now)


@given(st.lists(steps, max_size=60))
def test_who_waits_as_told_may_try(history: list[tuple[str, str, str, float]]) -> None:
    brakes, now = Brakes(), 0.0
    for client, name, what, pause in history:
        now += pause
        wait = getattr(brakes, what)(client, name, now)
        if wait:
            now += wait
            assert not brakes.attempt(client, name, now)


def test_memory_is_bounded() -> None:
    brakes = Brakes(capacity=100)
    for number in range(10_000):
        brakes.attempt(f"2001:db8:{number:x}::1", "x" * 2000, 0.0)
        assert len(brakes) <= 200
    # Those seen last are remembered.
    assert guess(brakes, "anna", 10, client="2001:db8:270f::1") == OF_PAIR.failures


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ],
)
def test_networks(client: str, network: str) -> None:
    assert client_network(client) == network
