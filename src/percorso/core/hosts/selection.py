"""The order in which a host's servers are tried: primaries by their share of the load, then secondaries.

A weighted draw without replacement: the first server drawn gets its share of the load, and when it fails the others
share what it had in proportion to theirs.
"""

from collections.abc import Callable

from percorso.core.hosts.host import Host, HostServer


def order(host: Host, roll: Callable[[], float]) -> tuple[HostServer, ...]:
    """Every server of the host once, the primaries before the secondaries.

    `roll` gives random numbers in [0, 1), one for each server but the last of a table. A server with a load of 0 comes
    after those that have one.
    """
    return (*_drawn(host.primary, roll), *_drawn(host.secondary, roll))


def _drawn(servers: tuple[HostServer, ...], roll: Callable[[], float]) -> tuple[HostServer, ...]:
    left = list(servers)
    drawn = []
    while len(left) > 1:
        drawn.append(left.pop(_draw([server.load for server in left], roll())))
    return (*drawn, *left)


def _draw(loads: list[int], roll: float) -> int:
    """The index that a number in [0, 1) falls on, each index as wide as its load."""
    point = roll * sum(loads)
    for index, load in enumerate(loads):
        if point < load:
            return index
        point -= load
    return 0  # every load left is 0
