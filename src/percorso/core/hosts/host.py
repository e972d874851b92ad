"""A host (mail route): a named destination that mail can be routed to."""

from typing import Literal

import msgspec

from percorso.core.tls.requirement import Requirement


class HostServer(msgspec.Struct, frozen=True, kw_only=True):
    """One server of a host, with its share of the load in percent."""

    address: str  # a host name (A-labels), an IP address, or a domain where `mx_lookup` is set
    port: int = 25
    load: int = 100


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A configured host. Secondaries are tried when every primary has failed."""

    name: str
    primary: tuple[HostServer, ...]
    secondary: tuple[HostServer, ...] = ()
    mx_lookup: bool = False
    tls: Literal["starttls", "implicit"] = "starttls"
    requirement: Requirement
    """What the host's own options ask: `require_tls`, `require_ca`, `validate_hostname`, …"""
    username: str = ""
    password_secret: str = ""
    client_certificate_secret: str = ""
    networks: tuple[str, ...] = ()
    returns: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One place to connect to: a server by one of its addresses."""

    name: str
    """The server's name: the MX's or the host's, and the reference name of its certificate."""
    address: str  # the IP address
    port: int = 25
    implicit_tls: bool = False
    name_authenticated: bool = False  # the name was configured, or came through DNSSEC-validated answers

    def __str__(self) -> str:
        where = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.name}[{where}]:{self.port}" if self.name != self.address else f"{where}:{self.port}"
