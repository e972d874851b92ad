"""Connections kept for the next message.

1. A connection is found only under the key that it was opened for (`way.py`).
2. A kept connection is no proof: whoever takes it judges its handshake again before MAIL.
3. It is closed with QUIT, behind the back of the delivery, when it was idle for long or carried many messages.
"""

import asyncio
from typing import Final

from percorso.delivery.connection import Connection, Lost
from percorso.delivery.options import DeliveryOptions
from percorso.delivery.way import ConnectionKey, Way
from percorso.ports.clock import Clock

_QUIT_TIMEOUT: Final = 5.0  # seconds


class ConnectionPool:
    """Idle connections by key; the one used last is taken first."""

    def __init__(self, options: DeliveryOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._idle: dict[ConnectionKey, list[Connection]] = {}
        self._count = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    def take(self, way: Way) -> Connection | None:
        """A kept connection for this way, if there is one; no longer the pool's."""
        for key in way.keys:
            while connections := self._idle.get(key):
                connection = self._pop(key, connections, -1)
                if connection.session.reusable:
                    connection.reused = True
                    return connection
                self.retire(connection)
        return None

    def give_back(self, connection: Connection, way: Way) -> None:
        """Keep a connection that was opened this way, if it can serve another message."""
        worn = connection.messages >= self._options.max_messages or self._count >= self._options.max_idle
        if worn or not connection.session.reusable:
            self.retire(connection)
            return
        connection.idle_since = self._clock.monotonic()
        self._idle.setdefault(way.key(encrypted=connection.handshake.encrypted), []).append(connection)
        self._count += 1
        if self._sweeper is None:
            self._sweep_later()

    def retire(self, connection: Connection) -> None:
        """Close a connection, politely where that is possible; does not wait."""
        if not connection.session.reusable:
            connection.close()
            return
        leaving = asyncio.get_running_loop().create_task(_quit(connection))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Close every connection and wait until they are closed."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connections in self._idle.values():
            for connection in connections:
                self.retire(connection)
        self._idle.clear()
        self._count = 0
        if self._leaving:
            await asyncio.wait(self._leaving)

    def _pop(self, key: ConnectionKey, connections: list[Connection], index: int) -> Connection:
        connection = connections.pop(index)
        self._count -= 1
        if not connections:
            del self._idle[key]
        return connection

    def _sweep_later(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(self._options.idle_timeout / 2, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        stale_before = self._clock.monotonic() - self._options.idle_timeout
        for key, connections in list(self._idle.items()):
            while connections and connections[0].idle_since <= stale_before:  # the oldest is in front
                self.retire(self._pop(key, connections, 0))
        if self._idle:
            self._sweep_later()


async def _quit(connection: Connection) -> None:
    try:
        async with asyncio.timeout(_QUIT_TIMEOUT):
            connection.session.quit()
            await connection.ask_simply()
    except (Lost, TimeoutError):
        pass
    finally:
        connection.close()
