"""The bare TLS-to-TLS byte pipe: what this machine can do at most, with nothing parsed and nothing stored.

One process: what comes in on a TLS connection goes out on another. No STARTTLS, since it reads no SMTP.
"""

import contextlib
import multiprocessing
import selectors
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from bench.servers import Running, Surroundings
from percorso.lab.load.sink import server_context
from percorso.lab.load.source import client_context

_CHUNK = 65536
_FORK = multiprocessing.get_context("fork")


def _shuttle(listener: socket.socket, context: ssl.SSLContext, sink_port: int) -> None:
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                _join(selector, listener, context, sink_port)
                continue
            try:
                data = key.fileobj.recv(_CHUNK)  # type: ignore[union-attr]  # always a socket
            except ssl.SSLWantReadError:
                continue
            except OSError:
                data = b""
            if data:
                key.data.send(data)
            else:
                _part(selector, key.fileobj, key.data)  # type: ignore[arg-type]  # sockets both


def _part(selector: selectors.BaseSelector, *ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(KeyError, ValueError):
            selector.unregister(end)
        end.close()


def _join(selector: selectors.BaseSelector, listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    accepted, _ = listener.accept()
    inward = context.wrap_socket(accepted, server_side=True)
    outward = client_context().wrap_socket(socket.create_connection(("127.0.0.1", port)))
    for end, other in ((inward, outward), (outward, inward)):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.setblocking(False)
        selector.register(end, selectors.EVENT_READ, other)


class Pipe:
    """The pipe as a server of the benchmark."""

    name = "bare pipe"
    starttls = False

    @contextmanager
    def run(self, surroundings: Surroundings) -> Iterator[Running]:
        """The pipe in a process of its own."""
        context = server_context(surroundings.server.certificate, surroundings.server.key)
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            port = listener.getsockname()[1]
            process = _FORK.Process(target=_shuttle, args=(listener, context, surroundings.sink_port), daemon=True)
            process.start()
            try:
                yield Running(port=port, process=process.pid or 0)
            finally:
                process.terminate()
                process.join()


class Direct:
    """No server at all: what source and sink can do."""

    name = "source to sink"
    starttls = True

    @contextmanager
    def run(self, surroundings: Surroundings) -> Iterator[Running]:
        """The sink itself."""
        yield Running(port=surroundings.sink_port, process=surroundings.sink_process)
