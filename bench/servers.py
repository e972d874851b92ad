"""What the benchmark asks of a server that it measures."""

import socket
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from percorso.lab.certificates import KeyPair

START_PATIENCE = 60.0  # seconds


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server finds itself."""

    folder: Path  # its own, empty
    server: KeyPair  # what it shows to the source
    ca_file: Path  # who signed the sink's certificate
    sink_port: int  # on 127.0.0.1
    sink_process: int
    connections: int


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A server that listens."""

    port: int  # on 127.0.0.1
    process: int  # its first process; the others descend from it


class Server(Protocol):
    """One way to get messages from the source to the sink."""

    name: str
    starttls: bool
    """False: TLS from the first byte, on both legs."""

    def run(self, surroundings: Surroundings) -> AbstractContextManager[Running]:
        """The server, listening; it is gone with its processes when the block ends."""
        ...


def free_port() -> int:
    """A port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for_greeting(port: int) -> None:
    """Return once the server greets; raises `TimeoutError`."""
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                if connection.recv(256).startswith(b"220"):
                    connection.sendall(b"QUIT\r\n")
                    return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"no server greets on 127.0.0.1:{port} after {START_PATIENCE:.0f} s")
