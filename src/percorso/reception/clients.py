"""Who may connect: the listener's networks, and how many connections at once."""

import ipaddress
from collections import Counter
from collections.abc import Iterable
from typing import Final

from percorso.core.mail.reply import Reply
from percorso.metrics.board import Board
from percorso.metrics.clients import ClientMeter

_FOREIGN: Final = Reply(
    code=554,
    enhanced="5.7.1",
    text="this listener serves only its own networks; ask the administrator to add yours to the listener's networks",
)
_FULL: Final = Reply(code=421, enhanced="4.7.0", text="too many connections; try again later")
_FULL_FOR_CLIENT: Final = Reply(code=421, enhanced="4.7.0", text="too many connections from your address; close some")
STOPPING: Final = Reply(code=421, enhanced="4.3.2", text="the service is stopping; try again later")


REFUSED_AT_ONCE: Final = 100
"""Connections that are told why they are refused; more end without a word, so that strangers take no room."""


class Networks:
    """The networks that a listener serves; empty means none."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(text) for text in networks]

    def __contains__(self, address: object) -> bool:
        ip = ipaddress.ip_address(str(address).partition("%")[0])
        mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        return any((mapped or ip) in network for network in self._networks)


class Clients:
    """The open connections of all listeners of a worker, by client address; what they do is counted in `meter`."""

    def __init__(self, *, at_once: int, per_client: int) -> None:
        self.meter = ClientMeter(Board(1).part(0))
        self._at_once = at_once
        self._per_client = per_client
        self._open: Counter[str] = Counter()
        self._total = 0
        self._refused = 0
        self.stopping = False

    def enter(self, address: str, networks: Networks) -> Reply | None:
        """Let a connection in and count it, until `leave`; or the reply that refuses it."""
        refusal = self._refusal(address, networks)
        if refusal is not None:
            self.meter.refused()
            return refusal
        self._open[address] += 1
        self._total += 1
        self.meter.entered()
        return None

    def refuse(self) -> bool:
        """Whether a connection that is not let in may hear why; it is counted then, until `refused`."""
        if self._refused >= REFUSED_AT_ONCE:
            return False
        self._refused += 1
        return True

    def refused(self) -> None:
        """A connection that heard why is gone."""
        self._refused -= 1

    def _refusal(self, address: str, networks: Networks) -> Reply | None:
        if address not in networks:
            return _FOREIGN
        if self.stopping:
            return STOPPING
        if self._total >= self._at_once:
            return _FULL
        if self._open[address] >= self._per_client:
            return _FULL_FOR_CLIENT
        return None

    def leave(self, address: str) -> None:
        """A connection that was let in is gone."""
        self.meter.left()
        self._total -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]
