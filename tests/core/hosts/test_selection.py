"""The order of a host's servers: by load among the primaries, then the secondaries."""

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.hosts.host import Host, HostServer
from percorso.core.hosts.selection import order
from percorso.core.tls.requirement import ENCRYPTED


def host(primary: dict[str, int], secondary: dict[str, int] | None = None) -> Host:
    return Host(name="gateway", primary=servers(primary), secondary=servers(secondary or {}), requirement=ENCRYPTED)


def servers(loads: dict[str, int]) -> tuple[HostServer, ...]:
    return tuple(HostServer(address=address, load=load) for address, load in loads.items())


def rolls(*numbers: float) -> Callable[[], float]:
    return iter(numbers).__next__


def names(chosen: tuple[HostServer, ...]) -> str:
    return " ".join(server.address for server in chosen)


@pytest.mark.parametrize(
    ("numbers", "chosen"),
    [
        ((0.0, 0.0), "a b c"),
        ((0.499, 0.0), "a b c"),
        ((0.5, 0.0), "b a c"),
        ((0.799, 0.99), "b c a"),
        ((0.8, 0.0), "c a b"),
        ((0.999, 0.999), "c b a"),
        ((0.0, 0.6), "a c b"),  # 0.6 of the 50 left lies behind b's 30
    ],
)
def test_each_draw_falls_by_load(numbers: tuple[float, ...], chosen: str) -> None:
    assert names(order(host({"a": 50, "b": 30, "c": 20}), rolls(*numbers))) == chosen


def test_single_server_needs_no_number() -> None:
    assert names(order(host({"a": 100}), rolls())) == "a"


def test_secondaries_come_after_every_primary() -> None:
    assert names(order(host({"a": 1, "b": 99}, {"s": 90, "t": 10}), rolls(0.5, 0.95))) == "b a t s"


def test_server_without_load_comes_last() -> None:
    assert names(order(host({"idle": 0, "a": 100}), rolls(0.0))) == "a idle"
    assert names(order(host({"x": 0, "y": 0}), rolls(0.9))) == "x y"


def test_first_server_follows_the_loads() -> None:
    chance = random.Random(7)
    first = Counter(order(host({"a": 70, "b": 20, "c": 10}), chance.random)[0].address for _ in range(10_000))
    assert [round(first[name] / 10_000, 1) for name in "abc"] == [0.7, 0.2, 0.1]


@given(st.lists(st.integers(0, 100), min_size=1, max_size=6), st.lists(st.integers(0, 100), max_size=6), st.randoms())
def test_every_server_comes_once(primary: list[int], secondary: list[int], chance: random.Random) -> None:
    first = {f"p{index}": load for index, load in enumerate(primary)}
    then = {f"s{index}": load for index, load in enumerate(secondary)}
    chosen = [server.address for server in order(host(first, then), chance.random)]
    assert set(chosen[: len(first)]) == set(first)
    assert set(chosen[len(first) :]) == set(then)
    assert len(chosen) == len(first) + len(then)
