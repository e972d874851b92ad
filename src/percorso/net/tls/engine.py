"""TLS without a socket: ciphertext in, plaintext and ciphertext out, for either side of a connection.

The rules:

1. The engine never touches a transport. Whoever drives it writes `data_to_send()` after every call, also after one
   that raised `TlsError` (it holds the alert), and then closes.
2. `start` once; then `receive` for everything that comes in. The handshake is done when `established` is true; the
   call that completes it may already give plaintext.
3. `send` only once `established`. It returns the ciphertext of exactly these bytes, with what was still to be sent.
4. `peer_closed` turns true with the peer's close_notify. A TCP end without it is the driver's to judge (SMTP has its
   own ends, RFC 5321, 4.1.1.10).
5. Plaintext that came in before TLS is never given to an engine, nor kept (RFC 3207, 4.2).

A listener:

    def data_received(self, data):                       # or buffer_updated, with one receive buffer for the loop
        if self.engine is not None:
            try:
                data = self.engine.receive(data)
            except TlsError as error:
                self.transport.write(self.engine.data_to_send())
                return self.abort(error)
            if answer := self.engine.data_to_send():
                self.transport.write(answer)
        if data: ...
        if self.engine is not None and self.engine.peer_closed: ...

    def start_tls(self):                                 # after the 220 was written
        self.engine = TlsEngine(context, server_side=True)
        self.engine.start()

    def write(self, data):
        self.transport.write(self.engine.send(data) if self.engine else data)

A client calls `start` and writes `data_to_send()`, its ClientHello. Hand large chunks over whole: the engine cuts them
so that its buffers stay at a few records.
"""

import contextlib
import ssl
from typing import Final

from percorso.core.tls.result import FailureType

RECORD: Final = 16384  # the most plaintext of one TLS record (RFC 8446, 5.1)

_VERSION_REASONS: Final = frozenset(
    {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "WRONG_SSL_VERSION"}
)


class TlsError(Exception):
    """The handshake or the TLS connection failed; the message says how. Nothing more can be sent but the alert."""

    def __init__(self, text: str, *, failure: FailureType = FailureType.TLS_HANDSHAKE_FAILURE) -> None:
        super().__init__(text)
        self.failure = failure


class TlsEngine:
    """One TLS connection over memory buffers."""

    __slots__ = ("_incoming", "_outgoing", "_ssl", "established", "peer_closed")

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_name: str = "") -> None:
        """`server_name` is sent as SNI (RFC 6066, 3). Raises `TlsError` where it cannot be one."""
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.established = False
        self.peer_closed = False
        # Octets spare the standard library's IDNA 2003: names are A-labels already.
        name = server_name.encode("ascii") if server_name else None
        try:
            self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side, server_hostname=name)
        except ValueError as error:
            raise TlsError(f"{server_name!r} cannot be sent as a server name: {error}") from None

    @property
    def ssl_object(self) -> ssl.SSLObject:
        """The connection as OpenSSL knows it: version, cipher, certificates."""
        return self._ssl

    def start(self) -> None:
        """Begin the handshake. A client has its ClientHello in `data_to_send` then."""
        self._shake_hands()

    def receive(self, ciphertext: bytes | bytearray | memoryview) -> bytes:
        """Take in what the peer sent, give the plaintext in it. Raises `TlsError`."""
        if len(ciphertext) <= RECORD:
            return self._receive(ciphertext)
        view = memoryview(ciphertext)  # a memory BIO keeps the size of the most it ever held: feed it in pieces
        return b"".join(self._receive(view[at : at + RECORD]) for at in range(0, len(view), RECORD))

    def _receive(self, ciphertext: bytes | bytearray | memoryview) -> bytes:
        incoming, connection = self._incoming, self._ssl
        incoming.write(ciphertext)
        if not self.established and not self._shake_hands():
            return b""
        plaintext = b""
        # Ask for more only while there is more: a read that has to say "not yet" costs an exception. A read takes a
        # whole record, so what is left is all in `incoming`.
        while incoming.pending and not self.peer_closed:
            try:
                chunk = connection.read(RECORD)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as error:
                raise _translated(error) from None
            if not chunk:
                self.peer_closed = True
            plaintext = plaintext + chunk if plaintext else chunk
        return plaintext

    def send(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """The ciphertext of these bytes, to be written at once. Raises `TlsError`."""
        if len(plaintext) <= RECORD:
            return self._send(plaintext)
        view = memoryview(plaintext)
        return b"".join([self._send(view[at : at + RECORD]) for at in range(0, len(view), RECORD)])

    def _send(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        if not self.established:
            raise TlsError("nothing can be sent before the handshake is done")
        try:
            self._ssl.write(plaintext)
        except ssl.SSLError as error:
            raise _translated(error) from None
        return self._outgoing.read()

    def data_to_send(self) -> bytes:
        """Handshake messages, alerts and the like that wait to be written; b"" when there are none."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def close(self) -> bytes:
        """Our close_notify with all that waits to be written; then close the transport (RFC 8446, 6.1)."""
        if self.established:
            # The peer's close_notify is not here yet, or never will be: we do not wait for it.
            with contextlib.suppress(ssl.SSLError):
                self._ssl.unwrap()
        return self._outgoing.read()

    def _shake_hands(self) -> bool:
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise _translated(error) from None
        self.established = True
        return True


def _translated(error: ssl.SSLError) -> TlsError:
    reason = error.reason or ""
    text = reason.replace("_", " ").lower() or str(error)
    if reason in _VERSION_REASONS:
        return TlsError(f"no TLS version in common: {text}", failure=FailureType.TLS_VERSION_TOO_LOW)
    return TlsError(text)
