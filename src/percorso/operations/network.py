"""The ways out of one node: names, servers and connections as delivery has them."""

from dataclasses import dataclass

from percorso.lookups.mx import MailServers
from percorso.lookups.route import Router
from percorso.ports.clock import Clock
from percorso.ports.dialer import Dialer
from percorso.ports.resolver import Resolver


@dataclass(frozen=True, kw_only=True)
class Network:
    """What delivery looks up and dials with."""

    name: str
    """The node's name, as EHLO says it."""
    resolver: Resolver
    servers: MailServers
    router: Router
    dialer: Dialer
    clock: Clock
