"""The receiving servers of the trial: real SMTP and real TLS, each with one fault of its own.

Built on the same protocol as Percorso's listeners. Each notes down every envelope that it saw and every message that it
took, and whether that connection was encrypted at that moment: what was really there, whatever the evidence says.
"""

import asyncio
import enum
import ssl
from collections.abc import Sequence
from functools import partial

import msgspec

from percorso.core.mail.address import Address
from percorso.core.mail.reply import Reply
from percorso.core.smtp.events import Closed, Content, MessageReceived, StartTls
from percorso.core.smtp.extensions import Limits, Security
from percorso.core.smtp.server import ServerSession
from percorso.net.tls.engine import TlsEngine, TlsError

TRIAL_FIELD = b"X-Trial: "
_TAKEN = Reply(code=250, enhanced="2.0.0", text="taken")
_NO_TLS_NOW = b"454 4.7.0 TLS not available due to temporary reason\r\n"
_STARTTLS = b"STARTTLS\r\n"


class StartTlsFault(enum.Enum):
    """What is wrong with a server's STARTTLS."""

    NONE = "offered, and works"
    ABSENT = "not offered"
    REFUSED = "offered, then refused with 454"
    DROPPED = "accepted, then the connection is dropped in the handshake"


class ServerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One receiving server."""

    name: str  # its host name
    address: str  # 127.0.0.0/8
    context: ssl.SSLContext
    starttls: StartTlsFault = StartTlsFault.NONE
    recipient_reply: Reply | None = None
    """What it refuses every recipient with."""


class SeenEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """A MAIL command that reached a server."""

    server: str
    sender: str
    encrypted: bool


class SeenMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a server took."""

    server: str
    sender: str  # "" is the null sender
    trial: str  # the value of its X-Trial field, or of the one in the message that it reports
    encrypted: bool


class Notebook:
    """What all servers saw."""

    def __init__(self) -> None:
        self.envelopes: list[SeenEnvelope] = []
        self.messages: list[SeenMessage] = []


class _Connection(asyncio.Protocol):
    """One connection to a server."""

    def __init__(self, plan: ServerPlan, notebook: Notebook) -> None:
        self._plan = plan
        self._notebook = notebook
        self._engine: TlsEngine | None = None
        self._dropping = False
        self._content = bytearray()
        self._session = ServerSession(
            hostname=plan.name,
            limits=Limits(),
            security=Security(starttls=plan.starttls is not StartTlsFault.ABSENT),
            admit_sender=self._note_envelope,
            admit_recipient=lambda address: plan.recipient_reply or address,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what asyncio gives to a stream protocol)
        self._transport = transport
        self._session.greet()
        self._write(self._session.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self._dropping:
            self._transport.abort()
        elif self._engine is None and self._plan.starttls is StartTlsFault.REFUSED and data.upper() == _STARTTLS:
            self._transport.write(_NO_TLS_NOW)
        elif self._engine is None:
            self._serve(data)
        else:
            self._decrypt(self._engine, data)

    @property
    def _encrypted(self) -> bool:
        return self._engine is not None and self._engine.established

    def _write(self, data: bytes) -> None:
        if data:
            self._transport.write(self._engine.send(data) if self._engine else data)

    def _decrypt(self, engine: TlsEngine, data: bytes) -> None:
        before = engine.established
        try:
            plaintext = engine.receive(data)
        except TlsError:
            self._transport.write(engine.data_to_send())
            self._transport.close()
            return
        self._transport.write(engine.data_to_send())
        if engine.established and not before:
            self._session.tls_established()
        if plaintext:
            self._serve(plaintext)
        if engine.peer_closed:
            self._transport.close()

    def _serve(self, data: bytes) -> None:
        self._session.receive_data(data)
        while (event := self._session.next_event()) is not None:
            if isinstance(event, Content):
                self._content += event.data
            elif isinstance(event, MessageReceived):
                self._note_message(event.envelope.sender)
                self._session.answer(_TAKEN)
            elif isinstance(event, StartTls):
                self._write(self._session.data_to_send())
                self._start_tls()
            elif isinstance(event, Closed):
                self._write(self._session.data_to_send())
                self._transport.close()
        self._write(self._session.data_to_send())

    def _start_tls(self) -> None:
        self._dropping = self._plan.starttls is StartTlsFault.DROPPED
        self._engine = TlsEngine(self._plan.context, server_side=True)
        self._engine.start()

    def _note_envelope(self, sender: Address | None) -> None:
        seen = SeenEnvelope(server=self._plan.name, sender=str(sender or ""), encrypted=self._encrypted)
        self._notebook.envelopes.append(seen)

    def _note_message(self, sender: Address | None) -> None:
        _, _, rest = bytes(self._content).partition(TRIAL_FIELD)
        self._content.clear()
        self._notebook.messages.append(
            SeenMessage(
                server=self._plan.name,
                sender=str(sender or ""),
                encrypted=self._encrypted,
                trial=rest.partition(b"\r\n")[0].decode(errors="replace"),
            )
        )


async def listen(plans: Sequence[ServerPlan], notebook: Notebook) -> tuple[int, list[asyncio.Server]]:
    """Start every server on its own address and one port for all; returns the port."""
    loop = asyncio.get_running_loop()
    port, servers = 0, []
    for plan in plans:
        server = await loop.create_server(partial(_Connection, plan, notebook), plan.address, port)
        servers.append(server)
        port = int(server.sockets[0].getsockname()[1])
    return port, servers
