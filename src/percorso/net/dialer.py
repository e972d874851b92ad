"""Outbound connections on asyncio: the `Dialer` and `Stream` ports on real sockets, TLS by our own engine.

1. What came in before TLS and was not read ends the connection; it is never taken for a reply (RFC 3207, 5).
2. One receive buffer serves all connections: what it holds is copied out before the loop goes on.
3. No task, and no timer of its own, for a read or a write: a connection has one timer, moved on as it is used.
4. A peer that reads slowly is waited for, one that sends without end is read from no more.
"""

import asyncio
import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Final, cast

from percorso.core.hosts.host import Target
from percorso.core.tls.handshake import Handshake
from percorso.core.tls.names import is_address
from percorso.net.tls.contexts import BadCertificateFile, ClientContexts
from percorso.net.tls.engine import TlsEngine, TlsError
from percorso.net.tls.facts import HandshakeReader
from percorso.ports.clock import Clock
from percorso.ports.dialer import ConnectFailed, TlsFailed, TlsOffer

RECEIVE_BUFFER: Final = 64 * 1024
MAX_UNREAD: Final = 64 * 1024  # octets that wait to be read before the peer is made to wait
SLICE: Final = 64 * 1024  # octets handed to the socket at once

PLAINTEXT: Final = Handshake()


class SocketDialer:
    """Opens TCP connections."""

    def __init__(
        self,
        *,
        contexts: ClientContexts,
        reader: HandshakeReader,
        clock: Clock,
        source_addresses: Iterable[str] = (),
    ) -> None:
        """Of several source addresses of one family each has its turn; a family without any has the system's choice."""
        self._contexts = contexts
        self._reader = reader
        self._clock = clock
        self._buffer = memoryview(bytearray(RECEIVE_BUFFER))
        self._sources = _turns(source_addresses)

    async def connect(self, target: Target, *, timeout: float) -> "SocketStream":
        """A plain TCP connection to the target's address. Raises `ConnectFailed`."""
        source = self._sources.get(":" in target.address)
        local = (next(source), 0) if source else None
        loop = asyncio.get_running_loop()
        stream = SocketStream(self, loop)
        try:
            async with asyncio.timeout(timeout):
                await loop.create_connection(lambda: stream, target.address, target.port, local_addr=local)
        except TimeoutError:
            raise ConnectFailed(f"no connection within {timeout:g} s") from None
        except OSError as error:
            raise ConnectFailed(_words(error)) from None
        return stream

    @property
    def buffer(self) -> memoryview:
        """What all connections receive into."""
        return self._buffer

    def engine(self, offer: TlsOffer) -> TlsEngine:
        """A client's engine for the offer. Raises `TlsError` and `BadCertificateFile`."""
        # An IP address is no server name (RFC 6066, 3).
        name = "" if is_address(offer.reference_name) else offer.reference_name
        return TlsEngine(self._contexts.context(offer), server_side=False, server_name=name)

    def facts(self, engine: TlsEngine, offer: TlsOffer) -> Handshake:
        """What the finished handshake showed."""
        return self._reader.read(engine, offer, now=self._clock.now())


class SocketStream(asyncio.BufferedProtocol):
    """One connection. At most one coroutine waits for it at a time."""

    def __init__(self, dialer: SocketDialer, loop: asyncio.AbstractEventLoop) -> None:
        self._dialer = dialer
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._engine: TlsEngine | None = None
        self._handshake = PLAINTEXT
        self._unread = bytearray()
        self._paused_reading = False
        self._paused_writing = False
        self._ended = False  # no more comes in
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # The port.

    @property
    def handshake(self) -> Handshake:
        """The TLS state; a plaintext one until `start_tls` has returned."""
        return self._handshake

    async def read(self, *, timeout: float) -> bytes:
        """At least one byte, or b"" at the end. Raises `ConnectFailed` on loss and after `timeout` s."""
        deadline = self._loop.time() + timeout
        while not self._unread and not self._ended:
            await self._wait(deadline)
        if self._unread:
            data = bytes(self._unread)
            self._unread.clear()
            self._resume_reading()
            return data
        if self._error is not None:
            raise ConnectFailed(str(self._error))
        return b""

    async def write(self, data: bytes, *, timeout: float) -> None:
        """Hand the bytes on; waits while the peer reads slowly, at most `timeout` s."""
        if len(data) <= SLICE:
            return await self._write(data, timeout)
        view = memoryview(data)
        for at in range(0, len(view), SLICE):
            await self._write(view[at : at + SLICE], timeout)
        return None

    async def _write(self, data: bytes | memoryview, timeout: float) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectFailed(str(self._error or "the connection is closed"))
        try:
            self._transport.write(self._engine.send(data) if self._engine else data)
        except TlsError as error:
            self._fail(error)
            raise ConnectFailed(str(error)) from None
        deadline = self._loop.time() + timeout
        while self._paused_writing and not self._ended:
            await self._wait(deadline)
        if self._error is not None:
            raise ConnectFailed(str(self._error))

    async def start_tls(self, offer: TlsOffer, *, timeout: float) -> Handshake:
        """Shake hands, taking any certificate and showing it. Raises `TlsFailed`."""
        deadline = self._loop.time() + timeout  # for all of it, however slowly the peer drips
        try:
            engine = self._begin_tls(offer)
            while not engine.established:
                if self._ended:
                    raise self._error or ConnectFailed("the server closed the connection instead of shaking hands")
                await self._wait(deadline)
        except TlsError as error:
            self.close()
            raise TlsFailed(str(error), failure=error.failure) from None
        except (ConnectFailed, BadCertificateFile) as error:
            self.close()
            raise TlsFailed(str(error)) from None
        self._handshake = self._dialer.facts(engine, offer)
        return self._handshake

    def close(self) -> None:
        """Close at once; closing twice is harmless."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        self._ended = True
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
        if self._engine is not None and not transport.is_closing():
            transport.write(self._engine.close())
        if transport.get_write_buffer_size():
            transport.abort()  # the peer does not read; nothing of ours may linger for it
        else:
            transport.close()

    # The protocol, as the event loop calls it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where to receive into."""
        return self._dialer.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came in."""
        data: memoryview | bytes = self._dialer.buffer[:nbytes]
        if self._engine is not None:
            try:
                data = self._engine.receive(data)
            except TlsError as error:
                self._fail(error)
                return
            self._send_pending(self._engine)
            if self._engine.peer_closed:
                self._ended = True
        self._unread += data
        if len(self._unread) > MAX_UNREAD and self._transport is not None:
            self._paused_reading = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The peer sends no more; the transport closes by itself."""
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._ended = True
        if exc is not None and self._error is None:
            self._error = ConnectFailed(f"connection lost: {_words(exc)}")
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def pause_writing(self) -> None:
        """The peer reads slowly."""
        self._paused_writing = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._paused_writing = False
        self._wake()

    # Within.

    def _begin_tls(self, offer: TlsOffer) -> TlsEngine:
        if self._unread:
            raise ConnectFailed("the server sent more than its reply to STARTTLS before TLS (RFC 3207, 5)")
        if self._transport is None or self._ended:
            raise ConnectFailed(str(self._error or "the connection is closed"))
        self._engine = self._dialer.engine(offer)
        self._engine.start()
        self._send_pending(self._engine)
        return self._engine

    def _send_pending(self, engine: TlsEngine) -> None:
        pending = engine.data_to_send()
        if pending and self._transport is not None:
            self._transport.write(pending)

    def _fail(self, error: TlsError) -> None:
        """TLS broke: send the alert, take nothing more."""
        self._error = error
        self._ended = True
        if self._engine is not None:
            self._send_pending(self._engine)
        if self._transport is not None:
            self._transport.close()
        self._wake()

    def _resume_reading(self) -> None:
        if self._paused_reading and self._transport is not None and not self._ended:
            self._paused_reading = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self, deadline: float) -> None:
        """Until something happens. Raises `ConnectFailed` at the deadline, in the loop's time."""
        if self._loop.time() >= deadline:
            raise ConnectFailed("timed out")
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._set_timer(deadline)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._waiter is None:
            return  # nobody waits: the next one sets a timer again
        if self._loop.time() < self._deadline:
            self._set_timer(self._deadline)
        else:
            self._wake()


def _turns(addresses: Iterable[str]) -> dict[bool, Iterator[str]]:
    """Addresses without end, by whether they are IPv6."""
    families: dict[bool, list[str]] = {}
    for address in addresses:
        families.setdefault(":" in address, []).append(address)
    return {family: itertools.cycle(members) for family, members in families.items()}


def _words(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else str(error) or type(error).__name__
