"""Brakes on guessing passwords, which shut out nobody but the one who guesses.

1. Failures are counted for a client's network with the account that it tried, and for the network as a whole; never
   for an account alone, so nobody can shut an account's owner out from elsewhere.
2. An attempt counts as a failure from its beginning, so that many at once are no way around; a success takes it back.
3. Failures are forgotten one by one as time passes: who waits may try again.
4. A network's failures do not brake an account that has succeeded from it before: of many people behind one address,
   the one who guesses does not shut out the others.
5. Memory is bounded. The pairs and networks that were not seen for longest are forgotten first.
"""

import ipaddress
from collections import OrderedDict
from typing import Final, TypeVar

import msgspec

IPV6_NETWORK: Final = 64
"""Bits: one subscriber's network (RFC 6177, 2). Of IPv4, every address is a network of its own."""


_LONGEST: Final = 250  # characters
Key = TypeVar("Key")


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """How many failures are free, and how long until one of them is forgotten."""

    failures: int
    forgotten_after: float  # seconds


OF_PAIR: Final = Allowance(failures=5, forgotten_after=60.0)
OF_NETWORK: Final = Allowance(failures=30, forgotten_after=10.0)


class _Tally(msgspec.Struct, kw_only=True):
    failures: float = 0.0
    at: float = 0.0  # when `failures` was right
    known: bool = False  # the account has succeeded from here


class Brakes:
    """The counts of one worker. Times are monotonic seconds."""

    def __init__(
        self, *, of_pair: Allowance = OF_PAIR, of_network: Allowance = OF_NETWORK, capacity: int = 20_000
    ) -> None:
        self._of_pair = of_pair
        self._of_network = of_network
        self._capacity = capacity
        self._pairs: OrderedDict[tuple[str, str], _Tally] = OrderedDict()
        self._networks: OrderedDict[str, _Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pairs) + len(self._networks)

    def attempt(self, client: str, account: str, now: float) -> float:
        """Let an attempt begin: 0, and it counts as a failure until `succeeded`; else the seconds to wait for it."""
        network = client_network(client)
        pair = self._pair(network, account, now)
        whole = self._whole(network, now)
        wait = _wait(pair, self._of_pair)
        if not pair.known:
            wait = max(wait, _wait(whole, self._of_network))
        if not wait:
            pair.failures += 1
            whole.failures += 1
        return wait

    def succeeded(self, client: str, account: str, now: float) -> None:
        """The attempt was right. Of the network's failures only this one is taken back: others may guess there."""
        network = client_network(client)
        pair = self._pair(network, account, now)
        whole = self._whole(network, now)
        pair.failures, pair.known = 0.0, True
        whole.failures = max(0.0, whole.failures - 1)

    def withdrawn(self, client: str, account: str, now: float) -> None:
        """The attempt was not judged, for reasons of ours: it does not count."""
        network = client_network(client)
        for tally in (self._pair(network, account, now), self._whole(network, now)):
            tally.failures = max(0.0, tally.failures - 1)

    def _pair(self, network: str, account: str, now: float) -> _Tally:
        # What is longer than any account's name is not kept whole: the client chooses it.
        return self._tally(self._pairs, (network, account[:_LONGEST]), self._of_pair, now)

    def _whole(self, network: str, now: float) -> _Tally:
        return self._tally(self._networks, network, self._of_network, now)

    def _tally(self, tallies: OrderedDict[Key, _Tally], key: Key, allowance: Allowance, now: float) -> _Tally:
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = _Tally(at=now)
            if len(tallies) > self._capacity:
                tallies.popitem(last=False)
            return tally
        tallies.move_to_end(key)
        tally.failures = max(0.0, tally.failures - (now - tally.at) / allowance.forgotten_after)
        tally.at = now
        return tally


def _wait(tally: _Tally, allowance: Allowance) -> float:
    """Seconds until one more failure would be within the allowance; 0 where it is now."""
    too_many = tally.failures + 1 - allowance.failures
    return too_many * allowance.forgotten_after if too_many > 1e-9 else 0.0


def client_network(client: str) -> str:
    """The network that a client's IP address is counted for."""
    address = ipaddress.ip_address(client)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
