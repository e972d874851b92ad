"""Listening sockets: bound by the supervisor, one for each worker, before anything is forked.

A worker that is being restarted leaves its socket open in the supervisor: clients wait instead of being refused.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable
from typing import Final

BACKLOG: Final = 1024


class CannotListen(OSError):
    """The address cannot be listened on; the message says why, and what to do."""


def split_address(address: str) -> tuple[str, int]:
    """ "HOST:PORT" or "[IPV6]:PORT" as host and port; ValueError otherwise."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f'{address!r} is not "HOST:PORT"')
    return host.removeprefix("[").removesuffix("]"), int(port)


def listens_at(listeners: Iterable[str], address: str, *, port: int) -> bool:
    """Whether one of the listeners ("HOST:PORT") takes what is sent to this IP address and port."""
    for host, own in map(split_address, listeners):
        if own != port:
            continue
        wildcard = ipaddress.ip_address(host).is_unspecified and (":" in host) == (":" in address)
        if host == address or (wildcard and is_local(address)):
            return True
    return False


def is_local(address: str) -> bool:
    """Whether the IP address is one of this machine's: only those can be bound."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def listen(address: str, *, count: int) -> list[socket.socket]:
    """`count` sockets on one address, among which the kernel spreads connections. Raises `CannotListen`.

    A first socket without port sharing makes sure that no other program has the port.
    """
    host, port = split_address(address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        probe = socket.socket(family, kind, protocol)
        with probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            where = probe.getsockname()  # the port that the kernel chose, where 0 was asked for
        return [_bound(family, kind, protocol, where) for _ in range(count)]
    except OSError as error:
        raise CannotListen(f"cannot listen on {address}: {error.strerror or error}{_mend(port, error)}") from None


def _bound(family: int, kind: int, protocol: int, where: object) -> socket.socket:
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind(where)  # type: ignore[arg-type]  # an address as getsockname gave it
    bound.listen(BACKLOG)
    bound.setblocking(False)
    return bound


def _mend(port: int, error: OSError) -> str:
    if isinstance(error, PermissionError) and port < 1024:
        return "; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    return "; is another program, or another Percorso, using it?" if error.errno == errno.EADDRINUSE else ""
