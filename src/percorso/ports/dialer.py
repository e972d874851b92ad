"""The narrow waist to the network: connect, read, write, start TLS. Everything has a time limit."""

from typing import Protocol

import msgspec

from percorso.core.hosts.host import Target
from percorso.core.tls.handshake import Handshake
from percorso.core.tls.result import FailureType


class ConnectFailed(Exception):
    """No connection, or it was lost; the message says how, for the log and the evidence."""


class TlsFailed(Exception):
    """The handshake failed, was dropped or timed out; the connection is closed.

    `failure` tells a refused TLS version from all else.
    """

    def __init__(self, text: str, *, failure: FailureType = FailureType.TLS_HANDSHAKE_FAILURE) -> None:
        super().__init__(text)
        self.failure = failure


class TlsOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What we bring to a handshake; part of the connection pool's key."""

    reference_name: str
    """Sent as SNI (RFC 6066, 3), and the name that the certificate is compared with."""
    ca_files: tuple[str, ...] = ()
    """CA bundles to judge the chain against, beside the trust store."""
    min_version: int = 0
    """Refuse lower versions in the handshake itself; 0 is as low as the library allows."""
    client_certificate_secret: str = ""


class Stream(Protocol):
    """One connection that we opened."""

    @property
    def handshake(self) -> Handshake:
        """The TLS state; a plaintext one until `start_tls` has returned."""
        ...

    async def read(self, *, timeout: float) -> bytes:
        """At least one byte, or b"" at the end. Raises `ConnectFailed` on loss and after `timeout` s."""
        ...

    async def write(self, data: bytes, *, timeout: float) -> None:
        """Hand the bytes on; waits while the peer reads slowly, at most `timeout` s."""
        ...

    async def start_tls(self, offer: TlsOffer, *, timeout: float) -> Handshake:
        """Shake hands, taking any certificate and showing it. Raises `TlsFailed`.

        Bytes that came in before and were not read are an error, never passed on (RFC 3207, 5).
        """
        ...

    def close(self) -> None:
        """Close at once; closing twice is harmless."""
        ...


class Dialer(Protocol):
    """Opens connections."""

    async def connect(self, target: Target, *, timeout: float) -> Stream:
        """A plain TCP connection to the target's address. Raises `ConnectFailed`."""
        ...
