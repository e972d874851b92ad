"""The sink of a load: takes every message over TLS, and counts it by its number.

One process, one selector, plain TLS sockets. It reads nothing of a message but its end.
"""

import contextlib
import selectors
import socket
import ssl
from pathlib import Path

from percorso.lab.load.message import END, number_before_end
from percorso.lab.load.tally import Tally

_GREETING = b"220 sink ESMTP\r\n"
_CAPABILITIES = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n%b250 ENHANCEDSTATUSCODES\r\n"
_REPLIES = {b"DATA": b"354 go on\r\n", b"QUIT": b"221 2.0.0 bye\r\n"}
_OK = b"250 2.0.0 ok\r\n"
_CHUNK = 65536
_TAIL = 32  # octets kept of a content: its number and its end


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return context


class _Session:
    """One connection: its socket, and what is still to be read together with what comes next."""

    __slots__ = ("content", "rest", "shaking", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.rest = b""
        self.content = False  # inside a message
        self.shaking: ssl.SSLSocket | None = None  # in the TLS handshake


class Sink:
    """Serves until it is ended from outside."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext, tally: Tally, *, implicit: bool) -> None:
        self._listener = listener
        self._context = context
        self._tally = tally
        self._implicit = implicit
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Take connections and messages for ever."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    self._accept()
                    continue
                try:
                    self._advance(key.data)
                except (ssl.SSLWantReadError, BlockingIOError):
                    continue
                except OSError:
                    self._close(key.data)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            accepted, _ = self._listener.accept()
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = _Session(accepted)
            self._selector.register(accepted, selectors.EVENT_READ, session)
            if self._implicit:
                self._start_tls(session)
            else:
                accepted.send(_GREETING)

    def _start_tls(self, session: _Session) -> None:
        self._selector.unregister(session.socket)
        secure = self._context.wrap_socket(session.socket, server_side=True, do_handshake_on_connect=False)
        session.socket = session.shaking = secure
        self._selector.register(session.socket, selectors.EVENT_READ, session)

    def _shake_hands(self, session: _Session, secure: ssl.SSLSocket) -> None:
        secure.do_handshake()
        session.shaking = None
        if self._implicit:
            session.socket.send(_GREETING)

    def _close(self, session: _Session) -> None:
        self._selector.unregister(session.socket)
        session.socket.close()

    def _advance(self, session: _Session) -> None:
        if session.shaking is not None:
            self._shake_hands(session, session.shaking)
            return
        data = session.socket.recv(_CHUNK)
        if not data:
            self._close(session)
            return
        data = session.rest + data
        session.rest = b""
        while data:
            data = self._content(session, data) if session.content else self._commands(session, data)

    def _content(self, session: _Session, data: bytes) -> bytes:
        """Read on in a message; gives back what comes behind it."""
        end = data.find(END)
        if end < 0:
            session.rest = data[-_TAIL:]
            return b""
        self._tally.add(number_before_end(data[:end] if end < _TAIL else data[end - _TAIL : end]))
        session.content = False
        session.socket.send(_OK)
        return data[end + len(END) :]

    def _commands(self, session: _Session, data: bytes) -> bytes:
        """Answer whole lines; gives back what comes behind DATA."""
        replies = []
        while (end := data.find(b"\n")) >= 0 and not session.content:
            verb = data[:4].upper()
            data = data[end + 1 :]
            if verb == b"STAR":
                session.socket.send(b"220 2.0.0 go on\r\n")
                self._start_tls(session)
                return b""
            session.content = verb == b"DATA"
            replies.append(self._capabilities(session) if verb == b"EHLO" else _REPLIES.get(verb, _OK))
        session.socket.send(b"".join(replies))
        if not session.content:
            session.rest, data = data, b""
        return data

    def _capabilities(self, session: _Session) -> bytes:
        offers_tls = not isinstance(session.socket, ssl.SSLSocket)
        return _CAPABILITIES % (b"250-STARTTLS\r\n" if offers_tls else b"")
