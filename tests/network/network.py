"""The network in memory: the `Dialer` port, its peers, names and time."""

import asyncio
from collections.abc import Callable

from percorso.core.hosts.host import Target
from percorso.core.tls.handshake import Handshake
from percorso.core.tls.result import FailureType
from percorso.ports.dialer import ConnectFailed, TlsFailed, TlsOffer
from tests.network.clock import VirtualClock
from tests.network.names import Names
from tests.network.peer import Accepted, Fault, Peer, Step
from tests.network.session import Session
from tests.network.wire import PLAINTEXT, Exposure, Wire, exposures


class Network:
    """Everything that a delivery meets. It is itself the dialer."""

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.names = Names()
        self.wires: list[Wire] = []
        self.peers: dict[tuple[str, int], Peer] = {}

    def add(self, peer: Peer) -> Peer:
        """Put a peer on the network, under its name; gives it an address where it has none."""
        number = len(self.peers) + 1
        peer.address = peer.address or f"198.51.{number >> 8}.{number & 255}"
        self.peers[peer.address, peer.port] = peer
        self.names.host(peer.name, *(other.address for other in self.peers.values() if other.name == peer.name))
        return peer

    def domain(self, name: str, *servers: Peer) -> None:
        """Make these the domain's MXs, the most preferred first; adds those that are new."""
        for server in servers:
            if server not in self.peers.values():
                self.add(server)
        self.names.mx(name, *((10 * (i + 1), server.name) for i, server in enumerate(servers)))

    @property
    def accepted(self) -> list[Accepted]:
        """Every message that any peer took over."""
        return [mail for peer in self.peers.values() for mail in peer.accepted]

    def exposed(self, met: Callable[[Handshake], bool], *markers: bytes) -> list[Exposure]:
        """Envelope, message and credentials written where `met` denies the TLS state; see `exposures`."""
        return exposures(self.wires, met, *markers)

    async def connect(self, target: Target, *, timeout: float) -> "MemoryStream":
        await asyncio.sleep(0)
        peer = self.peers.get((target.address, target.port))
        action = peer.action(Step.DIAL) if peer else Fault.DROP
        if action is Fault.SILENCE:
            self.clock.advance(timeout)
            raise ConnectFailed(f"no connection within {timeout:g} s")
        if peer is None or action is not Fault.PASS:
            raise ConnectFailed("connection refused")
        peer.connections += 1
        wire = Wire(len(self.wires) + 1, target, self.clock.now())
        self.wires.append(wire)
        return MemoryStream(Session(peer, wire), self.clock)


class MemoryStream:
    """The `Stream` port on a peer's session."""

    def __init__(self, session: Session, clock: VirtualClock) -> None:
        self._session = session
        self._clock = clock
        self._closed = False
        self._handshake = PLAINTEXT

    @property
    def wire(self) -> Wire:
        return self._session.wire

    @property
    def handshake(self) -> Handshake:
        return self._handshake

    async def read(self, *, timeout: float) -> bytes:
        await asyncio.sleep(0)
        self._check_open()
        if self._session.out:
            data = bytes(self._session.out)
            self._session.out.clear()
            return data
        if self._session.closed:
            return b""
        raise self._timed_out(timeout)

    async def write(self, data: bytes, *, timeout: float) -> None:
        await asyncio.sleep(0)
        self._check_open()
        self.wire.wrote(bytes(data))
        if self._session.stalled:
            raise self._timed_out(timeout)
        self._session.receive(bytes(data))

    async def start_tls(self, offer: TlsOffer, *, timeout: float) -> Handshake:
        await asyncio.sleep(0)
        self._check_open()
        peer = self._session.peer
        action = peer.action(Step.HANDSHAKE)
        try:
            if self._session.out:
                raise TlsFailed("octets came in before the handshake")
            if action is Fault.SILENCE:
                self._clock.advance(timeout)
                raise TlsFailed(f"timed out after {timeout:g} s")
            if action is not Fault.PASS or not self._session.awaits_handshake or peer.credential is None:
                raise TlsFailed("connection lost" if action is Fault.DROP else "handshake failure")
            if peer.credential.version < offer.min_version:
                raise TlsFailed("no TLS version in common", failure=FailureType.TLS_VERSION_TOO_LOW)
        except TlsFailed:
            self.close()
            raise
        self._handshake = peer.credential.handshake(peer.name, offer, at=self._clock.now())
        self.wire.secured(self._handshake)
        self._session.secured()
        return self._handshake

    def close(self) -> None:
        self._closed = self._session.closed = self.wire.closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectFailed("the connection is closed")

    def _timed_out(self, timeout: float) -> ConnectFailed:
        self._clock.advance(timeout)
        return ConnectFailed(f"timed out after {timeout:g} s")
