"""The listeners of a worker, and the end of them."""

import asyncio
import contextlib
import socket
import ssl
from typing import Final

from percorso.config.schema import Limits, Listener
from percorso.core.smtp import extensions
from percorso.ports.clock import Clock
from percorso.ports.queue import Queue
from percorso.ports.settings import SettingsSource
from percorso.reception.clients import Clients, Networks
from percorso.reception.connection import READ, Connection
from percorso.reception.gate import Gate
from percorso.reception.service import Service

_SWEEP: Final = 1.0
"""Seconds between two looks at what has taken too long."""


class Reception:
    """Takes in mail for one worker's queue.

    `tls` is the listeners' certificate; a listener with TLS needs it. One `listen` for each listener, then `stop`.
    """

    def __init__(
        self,
        *,
        name: str,
        limits: Limits,
        tls: ssl.SSLContext | None,
        queue: Queue,
        settings: SettingsSource,
        clock: Clock,
    ) -> None:
        self._name = name
        self._limits = limits
        self._tls = tls
        self._queue = queue
        self._settings = settings
        self._clock = clock
        self._clients = Clients(at_once=limits.max_connections, per_client=limits.max_connections_per_client)
        self._gate = Gate(queue)
        self._buffer = bytearray(READ)
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._all_ended = asyncio.Event()
        self._sweep: asyncio.TimerHandle | None = None

    async def listen(self, listener: Listener, bound: socket.socket) -> None:
        """Serve a listener on a socket that is bound to its address. The socket is ours from now on."""
        if listener.role != "relay":
            raise NotImplementedError(f"the role {listener.role!r} is not available yet")
        if listener.tls != "none" and self._tls is None:
            raise ValueError(f"the listener {listener.address} has tls = {listener.tls!r}, but there is no certificate")
        service = self._service(listener)
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(lambda: self._connection(service), sock=bound))
        if self._sweep is None:
            self._sweep = loop.call_later(_SWEEP, self._look_around)

    async def stop(self, *, grace: float) -> None:
        """Accept no one, say 421 to those who wait, and give messages on their way `grace` seconds to end."""
        self._clients.stopping = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.stop()
        if self._connections:
            self._all_ended.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_ended.wait(), grace)
        for connection in list(self._connections):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()

    def _service(self, listener: Listener) -> Service:
        limits = self._limits
        return Service(
            name=self._name,
            listener=listener,
            networks=Networks(listener.networks),
            limits=limits,
            session_limits=extensions.Limits(
                size=limits.max_size,
                recipients=limits.max_recipients,
                line=limits.max_line,
                errors=limits.max_errors,
            ),
            tls=self._tls if listener.tls != "none" else None,
            queue=self._queue,
            settings=self._settings,
            clock=self._clock,
            clients=self._clients,
            gate=self._gate,
        )

    def _connection(self, service: Service) -> Connection:
        connection = Connection(service, self._buffer, self._ended)
        self._connections.add(connection)
        return connection

    def _ended(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_ended.set()

    def _look_around(self) -> None:
        """End what has taken too long; and see whether the queue has room again, should no commit have told."""
        self._gate.open()
        now = self._clock.monotonic()
        for connection in list(self._connections):
            connection.check(now)
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP, self._look_around)
