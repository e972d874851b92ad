"""The listeners of a worker, and the end of them."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final

from percorso.config.schema import Configuration, Listener
from percorso.core.smtp import extensions
from percorso.metrics.clients import ClientMeter
from percorso.net.listening import BACKLOG
from percorso.ports.clock import Clock
from percorso.ports.queue import Queue
from percorso.ports.settings import SettingsSource
from percorso.reception.clients import Clients, Networks
from percorso.reception.connection import READ, Connection
from percorso.reception.gate import Gate
from percorso.reception.service import Service
from percorso.reception.submission import Submission

_SWEEP: Final = 1.0
"""Seconds between two looks at what has taken too long."""
_BUSY: Final = 0.02
"""Seconds between two looks at a busy queue."""


class Listeners:
    """All listeners of one worker, in the configuration's order.

    `tls` gives the context for a new TLS session; `submission` is needed where one of them is for submission.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        tls: Callable[[], ssl.SSLContext],
        queue: Queue,
        settings: SettingsSource,
        clock: Clock,
        submission: Submission | None = None,
    ) -> None:
        limits = configuration.limits
        self._configuration = configuration
        self._tls = tls
        self._queue = queue
        self._settings = settings
        self._clock = clock
        self._submission = submission
        self._clients = Clients(at_once=limits.max_connections, per_client=limits.max_connections_per_client)
        self._gate = Gate(queue, later=lambda look: asyncio.get_running_loop().call_later(_BUSY, look))
        self._buffer = bytearray(READ)
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._all_ended = asyncio.Event()
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, sockets: Sequence[socket.socket], meter: ClientMeter | None = None) -> None:
        """Serve, on one bound socket for each listener; they are ours from now on. Clients connect once it returns.

        What they do is counted in `meter`.
        """
        self._clients.meter = meter or self._clients.meter
        loop = asyncio.get_running_loop()
        for listener, bound in zip(self._configuration.listener, sockets, strict=True):
            self._servers.append(await loop.create_server(self._factory(listener), sock=bound, backlog=BACKLOG))
        self._sweep = loop.call_later(_SWEEP, self._look_around)

    async def stop(self, grace: float) -> None:
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

    def _factory(self, listener: Listener) -> Callable[[], Connection]:
        service = self._service(listener)

        def connect() -> Connection:
            connection = Connection(service, self._buffer, self._ended)
            self._connections.add(connection)
            return connection

        return connect

    def _service(self, listener: Listener) -> Service:
        if listener.role == "submission" and self._submission is None:
            raise ValueError(f"the listener {listener.address} is for submission, and there are no accounts")
        limits = self._configuration.limits
        return Service(
            name=self._configuration.node.name,
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
            submission=self._submission if listener.role == "submission" else None,
        )

    def _ended(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_ended.set()

    def _look_around(self) -> None:
        """End what has taken too long."""
        now = self._clock.monotonic()
        for connection in list(self._connections):
            connection.check(now)
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP, self._look_around)
