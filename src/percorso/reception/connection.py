"""One inbound connection: octets between the transport, the TLS engine and the protocol session.

1. All connections of a worker read into one buffer: what came is used up before the next read.
2. Nothing here waits: no task, no future. The queue's callback goes on where the message left off.
3. Reading stops while a message is committed, while the queue is busy, and while the client does not read.
4. After STARTTLS only the engine sees what comes in; the session sees what the engine gives.
5. At the end what was said is let reach the client: our side is closed first, and the rest of its input dropped.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, cast

from percorso.core.mail.address import Address
from percorso.core.mail.envelope import Arrival
from percorso.core.mail.reply import Reply
from percorso.core.smtp.events import Authenticate, Closed, Content, ContentRefused, Event, MessageReceived, StartTls
from percorso.core.smtp.server import ServerSession
from percorso.core.smtp.states import State
from percorso.net.tls.engine import TlsEngine, TlsError
from percorso.ports.accounts import Credentials, Verdict
from percorso.reception.clients import STOPPING
from percorso.reception.incoming import Incoming
from percorso.reception.received import with_protocol
from percorso.reception.service import Service
from percorso.reception.submission import reply_to
from percorso.reception.watch import Watch

_log = logging.getLogger("percorso.reception")

READ: Final = 64 * 1024
"""Octets of one read."""
LINGER: Final = 5.0
"""Seconds for the client to take our last words and close."""

_OURS: Final = (State.COMMIT, State.VERIFY)  # the client waits for us

# Why we do not read.
_ANSWER: Final = 1  # input came while a message is being committed, or a password verified
_QUEUE: Final = 2
_WRITE: Final = 4


class Connection(asyncio.BufferedProtocol):
    """A client's connection. `buffer` is the worker's; `ended` is called once when all is over."""

    def __init__(self, service: Service, buffer: bytearray, ended: Callable[["Connection"], None]) -> None:
        self._service = service
        self._buffer = memoryview(buffer)
        self._ended = ended
        self._transport: asyncio.Transport
        self._engine: TlsEngine | None = None
        self._secure = False  # the handshake is done
        self._admitted = False
        self._refused = False  # and is told why
        self._refusal: Reply | None = None
        self._incoming: Incoming | None = None
        self._arrival: Arrival | None = None
        self._arrival_version = 0  # the settings that it was made under
        self._hold = 0
        self._paused = False
        self._running = False
        self._ended_input = False
        self._stopping = False
        self._closed_at: float | None = None  # monotonic seconds of our last word
        self._client = ""
        self._now = service.clock.monotonic
        self._watch = Watch(idle_timeout=service.limits.idle_timeout, now=self._now())
        self._session = ServerSession(
            hostname=service.name,
            limits=service.session_limits,
            security=service.security,
            admit_sender=self._admit_sender,
            admit_recipient=service.admit_recipient,
        )

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if not peer:  # it is gone already
            self._transport.abort()
            return
        self._client = str(peer[0]).partition("%")[0].removeprefix("::ffff:")
        self._refusal = self._service.clients.enter(self._client, self._service.networks)
        self._admitted = self._refusal is None
        self._refused = not self._admitted and self._service.clients.refuse()
        if not (self._admitted or self._refused):
            self._transport.abort()
        elif self._service.listener.tls == "implicit":
            self._start_tls()
        else:
            self._greet()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Octets are in the buffer."""
        if self._closed_at is not None:
            return
        self._watch.heard(nbytes, self._now())
        engine = self._engine
        data = bytes(self._buffer[:nbytes]) if engine is None else self._decrypt(engine, self._buffer[:nbytes])
        if data and self._closed_at is None:
            if self._session.state in _OURS:
                self._hold |= _ANSWER
            self._session.receive_data(data)
            self._run()
        if engine is not None and engine.peer_closed:
            self._transport.close()

    def eof_received(self) -> bool:
        """The client says no more, but may wait for the answer to its message."""
        self._ended_input = True
        return self._session.state in _OURS

    def pause_writing(self) -> None:
        """The client does not read our replies. It has the idle time-out to begin."""
        self._hold |= _WRITE
        self._pause_or_resume()

    def resume_writing(self) -> None:
        """It reads again."""
        self._hold &= ~_WRITE
        self._pause_or_resume()

    def connection_lost(self, _exc: Exception | None) -> None:
        """All is over. A message that is being committed is committed all the same."""
        if self._closed_at is None:
            self._closed_at = self._now()
        self._drop_message()
        if self._admitted:
            self._service.clients.leave(self._client)
        if self._refused:
            self._service.clients.refused()
        self._ended(self)

    # What the worker asks

    def check(self, now: float) -> None:
        """End the connection if its time is up; `now` in monotonic seconds."""
        if self._closed_at is not None:
            if now - self._closed_at > LINGER:
                self._transport.abort()
            return
        reply = self._watch.overdue(now, handshake=self._shaking_hands)
        if reply is not None:
            _log.info("%s: %s", self._client, reply)
            self._close(reply)

    def stop(self) -> None:
        """End the session as soon as no message is on its way."""
        self._stopping = True
        if self._closed_at is None and self._session.state not in (State.CONTENT, State.COMMIT):
            self._close(STOPPING)

    def abort(self) -> None:
        """End now; a message that is not kept yet was not accepted."""
        self._transport.abort()

    # TLS

    @property
    def _shaking_hands(self) -> bool:
        return self._engine is not None and not self._secure

    def _start_tls(self) -> None:
        if self._service.tls is None:
            raise RuntimeError(f"the listener {self._service.listener.address} has no certificate")
        self._arrival = None
        self._engine = TlsEngine(self._service.tls(), server_side=True)
        self._engine.start()

    def _decrypt(self, engine: TlsEngine, data: memoryview) -> bytes:
        try:
            plaintext = engine.receive(data)
        except TlsError as error:
            _log.info("%s: TLS failed: %s", self._client, error)
            self._transport.write(engine.data_to_send())
            self._hang_up()
            return b""
        if answer := engine.data_to_send():
            self._transport.write(answer)
        if engine.established and not self._secure:
            self._secure = True
            self._service.clients.meter.secured(engine.ssl_object.version() or "")
            if self._session.state is State.HANDSHAKE:
                self._session.tls_established()
            else:  # implicit TLS (RFC 8314, 3)
                self._greet()
        return plaintext

    # The dialog

    def _greet(self) -> None:
        if self._refusal is None:
            self._session.greet()
        else:
            _log.warning("%s: refused at %s: %s", self._client, self._service.listener.address, self._refusal)
            self._session.close(self._refusal)
        self._run()

    def _admit_sender(self, sender: Address | None) -> Reply | None:
        refusal = self._service.refuse_sender(sender, self._session.account)
        if refusal is not None:
            _log.info("%s: refused <%s>: %s", self._client, sender or "", refusal)
        return refusal

    def _run(self) -> None:
        """Act on what the session says, then write its replies, then see whether to go on reading."""
        self._running = True
        while (event := self._session.next_event()) is not None:
            self._act(event)
        self._running = False
        self._flush()
        if self._session.state is State.CONTENT:
            self._watch.content_begins(self._now())
        if not self._hold & _QUEUE and self._service.gate.shut(self._gate_opened):
            self._hold |= _QUEUE
            self._watch.hold(self._now())
        self._pause_or_resume()
        if self._ended_input and self._session.state not in _OURS:
            self._transport.close()

    def _act(self, event: Event) -> None:
        match event:
            case Content(data):
                self._message().write(data)
            case MessageReceived():
                self._watch.content_ended()
                self._watch.hold(self._now())
                self._message().accept(event, self._answered)
            case ContentRefused():
                self._watch.content_ended()
                self._drop_message()
            case Authenticate():
                self._watch.hold(self._now())
                self._authenticate(event)
            case StartTls():
                self._flush()
                self._start_tls()
            case Closed():
                self._flush()
                self._hang_up()

    def _authenticate(self, event: Authenticate) -> None:
        if self._service.submission is None:
            raise RuntimeError(f"the listener {self._service.listener.address} has no accounts")
        credentials = Credentials(client=self._client, account=event.identity, password=event.password)
        self._service.submission.authenticator.check(credentials, self._judged)

    def _judged(self, verdict: Verdict) -> None:
        """The word on the password."""
        self._hold &= ~_ANSWER
        self._watch.release(self._now())
        if self._closed_at is None:
            self._go_on(lambda: self._session.authenticated(reply_to(verdict)))

    def _message(self) -> Incoming:
        if self._incoming is None:
            session = self._session
            protocol = with_protocol(
                esmtp=session.esmtp, smtputf8=session.smtputf8, tls=self._secure, auth=bool(session.account)
            )
            self._incoming = Incoming(self._service, self._arrived(), protocol=protocol)
        return self._incoming

    def _arrived(self) -> Arrival:
        version = self._service.settings.current.version
        known = self._arrival
        if known is not None and known.helo == self._session.helo and version == self._arrival_version:
            return known
        connection = self._engine.ssl_object if self._engine is not None else None
        cipher = connection.cipher() if connection else None
        self._arrival_version = version
        self._arrival = Arrival(
            client=self._client,
            helo=self._session.helo,
            listener=self._service.listener.address,
            tls_version=(connection.version() or "") if connection else "",
            tls_cipher=cipher[0] if cipher else "",
            account=self._session.account,
            host=self._service.host_of(self._client),
        )
        return self._arrival

    def _drop_message(self) -> None:
        if self._incoming is not None and self._session.state is not State.COMMIT:
            self._incoming.discard()
            self._incoming = None

    def _answered(self, reply: Reply) -> None:
        """The queue's word on the message."""
        self._service.clients.meter.answered(accepted=reply.positive)
        self._incoming = None
        self._hold &= ~_ANSWER
        self._watch.release(self._now())
        self._service.gate.open()
        if self._closed_at is not None:
            return
        if reply.positive:
            self._watch.message_accepted(self._now())
        self._go_on(lambda: self._session.answer(reply))

    def _go_on(self, answer: Callable[[], None]) -> None:
        """Give the session the answer that it waits for."""
        answer()
        if self._stopping:
            self._session.close(STOPPING)
        if not self._running:
            self._run()

    def _flush(self) -> None:
        data = self._session.data_to_send()
        if data:
            self._transport.write(self._engine.send(data) if self._engine is not None else data)

    # The end

    def _close(self, reply: Reply) -> None:
        if self._shaking_hands:
            self._transport.abort()
        else:
            self._session.close(reply)
            self._run()

    def _hang_up(self) -> None:
        """Close our side, and let the client take what was said: an unread input would have it thrown away."""
        self._closed_at = self._now()
        self._drop_message()
        if self._engine is not None:
            self._transport.write(self._engine.close())
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._pause_or_resume()

    # Reading

    def _gate_opened(self) -> None:
        self._hold &= ~_QUEUE
        self._watch.release(self._now())
        self._pause_or_resume()

    def _pause_or_resume(self) -> None:
        pause = bool(self._hold) and self._closed_at is None
        if pause != self._paused and not self._transport.is_closing():
            self._paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()
