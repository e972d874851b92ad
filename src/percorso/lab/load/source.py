"""The source of a load: as many messages as the server takes, over connections that stay open.

One process, one selector, plain TLS sockets. Each connection sends one message after the other: the commands
pipelined, then the content; the time from the final dot to its reply is kept for every message.
"""

import select
import selectors
import socket
import ssl
import time

import msgspec

from percorso.lab.load.message import COMMANDS, numbered, template

PATIENCE = 60.0  # seconds without any reply from any connection


class SourceFailed(Exception):
    """The server did not take a message; the text has its reply."""


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send and where to."""

    address: str
    port: int
    messages: int
    connections: int = 20
    size: int = 10 * 1024  # octets of a message
    starttls: bool = True  # False: TLS from the first byte


class SourceReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the source saw."""

    started: float  # monotonic, just before the first message
    finished: float  # monotonic, at the last reply
    latencies: tuple[float, ...]  # seconds from final dot to 250, one for each message, the shortest first
    cpu_seconds: float


class _Connection:
    """One connection and the message that it is at."""

    __slots__ = ("awaited", "number", "received", "sent_at", "socket")

    def __init__(self, connected: ssl.SSLSocket) -> None:
        self.socket = connected
        self.number = -1
        self.awaited = 0  # reply lines
        self.received = b""
        self.sent_at = 0.0


class Source:
    """Sends the plan's messages, each number once."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._before = template(plan.size)
        self._next = 0
        self._done = 0
        self._latencies: list[float] = []
        self._selector = selectors.DefaultSelector()

    def run(self) -> SourceReport:
        """Send everything; raises `SourceFailed` at the first message refused."""
        connections = [_Connection(connect(self._plan)) for _ in range(self._plan.connections)]
        cpu, started = time.process_time(), time.monotonic()
        for connection in connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            self._begin(connection)
        while self._done < self._plan.messages:
            events = self._selector.select(PATIENCE)
            if not events:
                raise SourceFailed(f"no reply for {PATIENCE:.0f} s after {self._done} messages")
            for key, _ in events:
                self._advance(key.data)
        finished = time.monotonic()
        used = time.process_time() - cpu
        for connection in connections:
            connection.socket.close()
        return SourceReport(
            started=started, finished=finished, latencies=tuple(sorted(self._latencies)), cpu_seconds=used
        )

    def _begin(self, connection: _Connection) -> None:
        if self._next == self._plan.messages:
            return
        connection.number = self._next
        self._next += 1
        connection.awaited = 3
        _send(connection.socket, COMMANDS)

    def _advance(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(4096)
        except ssl.SSLWantReadError:
            return  # a session ticket, or half a record
        if not data:
            raise SourceFailed("the server closed the connection")
        received = connection.received + data
        if received.count(b"\n") < connection.awaited or not received.endswith(b"\n"):
            connection.received = received
            return
        connection.received = b""
        if connection.awaited == 3:
            _expect(received, (b"2", b"2", b"354"))
            connection.awaited = 1
            connection.sent_at = time.monotonic()
            _send(connection.socket, numbered(self._before, connection.number))
        else:
            _expect(received, (b"2",))
            self._latencies.append(time.monotonic() - connection.sent_at)
            self._done += 1
            self._begin(connection)


def _expect(received: bytes, beginnings: tuple[bytes, ...]) -> None:
    for line, beginning in zip(received.splitlines(), beginnings, strict=True):
        if not line.startswith(beginning):
            raise SourceFailed(f"the server answered {line.decode(errors='replace')}")


def _send(connected: ssl.SSLSocket, data: bytes) -> None:
    while True:
        try:
            connected.send(data)  # all or nothing: a TLS socket takes no part of it
            return
        except ssl.SSLWantWriteError:
            select.select([], [connected], [], PATIENCE)


def client_context() -> ssl.SSLContext:
    """TLS 1.3, any certificate: the load is about speed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(plan: LoadPlan) -> ssl.SSLSocket:
    """A connection over TLS on which MAIL may follow."""
    plain = socket.create_connection((plan.address, plan.port), timeout=PATIENCE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if plan.starttls:
        _reply(plain)
        plain.sendall(b"EHLO source.corp.test\r\n")
        _reply(plain)
        plain.sendall(b"STARTTLS\r\n")
        _reply(plain)
    secure = client_context().wrap_socket(plain)
    if not plan.starttls:
        _reply(secure)
    secure.sendall(b"EHLO source.corp.test\r\n")
    _reply(secure)
    secure.setblocking(False)
    return secure


def _reply(connected: socket.socket) -> None:
    received = b""
    while not received.endswith(b"\r\n") or received.splitlines()[-1][3:4] == b"-":
        data = connected.recv(4096)
        if not data:
            raise SourceFailed("the server closed the connection before the first message")
        received += data
    if not received.startswith(b"2"):
        raise SourceFailed(f"the server answered {received.decode(errors='replace').strip()}")
