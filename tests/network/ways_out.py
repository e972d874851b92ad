"""The ways out of a node that is on the in-memory network."""

from percorso.lookups.mx import MailServers
from percorso.lookups.route import Router
from percorso.operations.network import Network as WaysOut
from tests.network.network import Network


def ways_out(network: Network | None = None, name: str = "mail1.corp.test") -> WaysOut:
    """As the composition root makes them; a network of nobody where none is given."""
    network = network or Network()
    servers = MailServers(network.names, network.clock)
    return WaysOut(
        name=name,
        resolver=network.names,
        servers=servers,
        router=Router(servers, roll=lambda: 0.0),
        dialer=network,
        clock=network.clock,
    )
