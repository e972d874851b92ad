"""Ways to peers of the in-memory network, and connections opened over them."""

from percorso.core.hosts.host import Target
from percorso.core.tls.requirement import OPPORTUNISTIC, Requirement
from percorso.delivery.connection import Connection
from percorso.delivery.dial import open_connection
from percorso.delivery.options import DeliveryOptions
from percorso.delivery.way import Way
from percorso.ports.dialer import TlsOffer
from tests.network.network import Network
from tests.network.peer import Peer

OPTIONS = DeliveryOptions(node="test", hello_name="mta.corp.test", linger=0.01)


def way(
    server: Peer,
    requirement: Requirement = OPPORTUNISTIC,
    *,
    tls: bool = True,
    name_authenticated: bool = False,
    **offer: object,
) -> Way:
    """A direct way to a peer that is on the network."""
    target = Target(
        name=server.name,
        address=server.address,
        port=server.port,
        implicit_tls=server.implicit_tls,
        name_authenticated=name_authenticated,
    )
    offered = TlsOffer(reference_name=server.name, **offer)  # type: ignore[arg-type]
    return Way(hop="direct", target=target, requirement=requirement, offer=offered, tls=tls)


async def dial(server: Peer, requirement: Requirement = OPPORTUNISTIC, *, tls: bool = True) -> Connection:
    """A new connection to a peer on a network of its own."""
    network = Network()
    network.add(server)
    return await open_connection(network, way(server, requirement, tls=tls), OPTIONS)
