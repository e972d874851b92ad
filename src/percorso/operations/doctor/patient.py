"""What is examined: a node's configuration, its settings in force, and the ways out that it has."""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final

from percorso.config.schema import Configuration
from percorso.core.settings.schema import Document
from percorso.operations.network import Network

CONNECT_TIMEOUT: Final = 5.0  # seconds
REPLY_TIMEOUT: Final = 5.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Patient:
    """One node under examination."""

    configuration: Configuration
    document: Document | None
    """The settings in force; None where there are none yet."""
    last_change: float
    """When they were made, unix seconds; 0 where there are none."""
    secrets: frozenset[str]
    """The names of the secrets that this node has."""
    network: Network
    targets: tuple[str, ...]
    """HOST:PORT to try the way out with; a target without a port stands for a domain's mail servers."""
    addresses: tuple[str, ...]
    """The addresses that the world sees our mail come from, where the administrator told them."""


@dataclass(frozen=True, kw_only=True)
class OwnAddresses:
    """From where the world sees our mail come. `private` ones are behind a translation of addresses."""

    public: tuple[str, ...]
    private: tuple[str, ...] = ()


def own_addresses(patient: Patient) -> OwnAddresses:
    """As told, as configured, or as the machine would choose; nothing is sent to find out."""
    delivery = patient.configuration.delivery
    found = patient.addresses or delivery.source_addresses
    if not found:
        # A connected UDP socket is given the source address of the route; these are only ever asked for, never met.
        probes = [(socket.AF_INET, "8.8.8.8")] + ([(socket.AF_INET6, "2001:4860:4860::8888")] if delivery.ipv6 else [])
        found = tuple(address for address in map(_source, probes) if address)
    public = tuple(one for one in found if patient.addresses or ipaddress.ip_address(one).is_global)
    return OwnAddresses(public=public, private=tuple(one for one in found if one not in public))


def _source(probe: tuple[socket.AddressFamily, str]) -> str:
    family, far = probe
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((far, 9))
        except OSError:
            return ""
        return str(asking.getsockname()[0])


BEHIND_NAT: Final = "tell the public address of this machine: `percorso doctor --address IP`"
