"""Which configured host a connection comes from: known by its network, never by a header."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from percorso.core.hosts.host import Host

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def host_of(client: str, hosts: Iterable[Host]) -> str:
    """The name of the host whose network holds the client's IP address, the narrowest if several do; "" if none."""
    address = ipaddress.ip_address(client)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # how a dual-stack socket shows an IPv4 client
    holding = [
        (network.prefixlen, host.name)
        for host in hosts
        for network in map(_network, host.networks)
        if network.version == address.version and address in network
    ]
    return max(holding, key=lambda found: found[0])[1] if holding else ""


@lru_cache(maxsize=4096)
def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)
