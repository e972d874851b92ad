"""Post JSON to a URL that an administrator named, without becoming a way into the network.

1. https:// with a verified certificate; http:// only to loopback.
2. The name is looked up once, every address is judged, and one of them is connected to: no second look-up can turn a
   public name into a private address. Link-local, multicast and unspecified addresses are refused always, private ones
   unless a network of the node's configuration allows them. Loopback is this machine's own.
3. No redirect is followed, and of the answer only the status is read.
4. Everything has a time limit, and there are a few tries.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

_TIMEOUT: Final = 10.0  # seconds for connecting, and for each wait after it
_PAUSES: Final = (1.0, 5.0)  # seconds between tries
_AGAIN: Final = frozenset({408, 425, 429})  # besides 5xx: what RFC 9110 invites to try again

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPosted(Exception):
    """The webhook has not taken it; the message says why."""


class Webhook:
    """Posts. `networks` are the private networks that may be posted to; `ca_file` replaces the system's trust store."""

    def __init__(
        self, *, networks: Sequence[str] = (), ca_file: str | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._networks = tuple(map(ipaddress.ip_network, networks))
        self._ca_file = ca_file
        self._pause = pause

    def post(self, url: str, payload: bytes, headers: Mapping[str, str]) -> None:
        """Post it; blocks for at most about a minute and a half. Raises `NotPosted`."""
        for pause in (*_PAUSES, None):
            try:
                status = self._post_once(url, payload, headers)
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
            else:
                if 200 <= status < 300:
                    return
                problem = f"it answered {status}"
                if status < 500 and status not in _AGAIN:
                    raise NotPosted(problem)
            if pause is None:
                raise NotPosted(problem)
            self._pause(pause)

    def _post_once(self, url: str, payload: bytes, headers: Mapping[str, str]) -> int:
        parts = urlsplit(url)
        host, encrypted = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if encrypted else 80)
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        connection.sock = self._connect(host, port, encrypted=encrypted)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", target, body=payload, headers={"Content-Type": "application/json", **headers})
            return connection.getresponse().status
        finally:
            connection.close()

    def _connect(self, host: str, port: int, *, encrypted: bool) -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [_address(str(one[4][0])) for one in found]
        for address in addresses:
            self._judge(address, encrypted=encrypted)
        plain = socket.create_connection((str(addresses[0]), port), timeout=_TIMEOUT)
        if not encrypted:
            return plain
        try:
            return ssl.create_default_context(cafile=self._ca_file).wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _judge(self, address: Address, *, encrypted: bool) -> None:
        """Raises `NotPosted` for an address that must not be posted to."""
        if address.is_loopback:
            return
        if not encrypted:
            raise NotPosted(f"{address} is not this machine, and http:// is only for that; use https://")
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            raise NotPosted(f"{address} is an address that nothing is posted to")
        if not address.is_global and not any(address in network for network in self._networks):
            raise NotPosted(f"{address} is a private address; allow it with [alerts] webhook_networks")


def _address(text: str) -> Address:
    """The address, an IPv4 one also where it is written as IPv6 (RFC 4291, 2.5.5.2)."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
