"""A network where things take their time: servers that are slow, dead for some hours, or turn people away."""

import asyncio
from collections.abc import Callable

from percorso.core.hosts.host import Target
from percorso.ports.dialer import ConnectFailed
from tests.network.network import MemoryStream, Network
from tests.network.peer import Fault, Peer, Step
from tests.network.session import Session
from tests.network.wire import Wire
from tests.simulation.time import LoopClock

LATENCY = 0.02  # seconds, each way there and back


class Country(Network):
    """`delays` has the seconds that a server takes to answer; what is `down` answers nobody."""

    def __init__(self) -> None:
        super().__init__(LoopClock())  # type: ignore[arg-type]  # time passes by itself
        self.delays: dict[str, float] = {}
        self.down: set[str] = set()
        self.room: dict[str, int] = {}
        """Connections that a server takes at once."""
        self.open: dict[str, int] = {}
        self.most: dict[str, int] = {}
        """The most connections that a server ever had at once."""
        self.tries: dict[str, int] = {}

    async def connect(self, target: Target, *, timeout: float) -> MemoryStream:
        self.tries[target.name] = self.tries.get(target.name, 0) + 1
        peer = self.peers.get((target.address, target.port))
        if peer is None or target.name in self.down:
            await asyncio.sleep(timeout)
            raise ConnectFailed(f"no connection within {timeout:g} s")
        await asyncio.sleep(self.delays.get(target.name, LATENCY))
        if peer.action(Step.DIAL) is not Fault.PASS:
            raise ConnectFailed("connection refused")
        return self._open(peer, target)

    def _open(self, peer: Peer, target: Target) -> "Far":
        now = self.open[peer.name] = self.open.get(peer.name, 0) + 1
        self.most[peer.name] = max(now, self.most.get(peer.name, 0))
        wire = Wire(len(self.wires) + 1, target, self.clock.now())
        self.wires.append(wire)
        session = Session(peer, wire)
        if now > self.room.get(peer.name, now):
            session.out[:] = b"421 4.7.0 too many connections\r\n"
            session.closed = True
        return Far(session, self, lambda: self._close(peer))

    def _close(self, peer: Peer) -> None:
        self.open[peer.name] -= 1


class Far(MemoryStream):
    """A connection to somewhere that is not next door."""

    def __init__(self, session: Session, country: Country, closed: Callable[[], None]) -> None:
        super().__init__(session, country.clock)
        self._country = country
        self._told = closed

    async def read(self, *, timeout: float) -> bytes:
        await asyncio.sleep(self._country.delays.get(self._session.peer.name, LATENCY))
        if self._session.peer.name in self._country.down:
            self.close()
            raise ConnectFailed("connection reset")
        return await super().read(timeout=timeout)

    def close(self) -> None:
        if not self._closed:
            self._told()
        super().close()
