"""REQUIRETLS on its way out: only to a server that takes it on and is known to be the right one (RFC 8689, 4.2.1)."""

import pytest

from percorso.core.delivery.outcome import Answered, TargetOutcome, Unmet
from percorso.core.tls.requirement import Requirement
from percorso.core.tls.result import FailureType
from percorso.delivery.dial import open_connection
from percorso.delivery.pool import ConnectionPool
from tests.delivery.messages import MemoryContent, envelope, to
from tests.delivery.ways import OPTIONS, way
from tests.network.clock import VirtualClock
from tests.network.credential import SELF_SIGNED
from tests.network.network import Network
from tests.network.peer import Peer

REQUIRED = Requirement(encrypted=True, requiretls=True)
TAKES_IT_ON = {"extensions_tls": ("REQUIRETLS",)}


async def send(server: Peer, *, configured: bool) -> tuple[TargetOutcome, Network]:
    """A message with REQUIRETLS to a server whose name was configured, or is an MX's from unsigned DNS."""
    network = Network()
    network.add(server)
    to_it = way(server, REQUIRED, name_authenticated=configured)
    connection = await open_connection(network, to_it, OPTIONS)
    asked = envelope(requiretls=True)
    return await connection.transact(REQUIRED, asked, to("bob@bank.test"), MemoryContent()), network


async def test_it_goes_on_to_a_configured_host_that_offers_it() -> None:
    server = Peer("gw.example", **TAKES_IT_ON)  # type: ignore[arg-type]
    outcome, _ = await send(server, configured=True)
    assert isinstance(outcome, Answered)
    assert "REQUIRETLS" in server.accepted[0].parameters.split()


@pytest.mark.parametrize(
    ("server", "configured", "failure"),
    [
        (Peer("gw.example"), True, FailureType.REQUIRETLS_NOT_SUPPORTED),
        (Peer("mx.bank.test", extensions_tls=("REQUIRETLS",)), False, FailureType.REQUIRETLS_NOT_SUPPORTED),
        (
            Peer("gw.example", extensions_tls=("REQUIRETLS",), credential=SELF_SIGNED),
            True,
            FailureType.CERTIFICATE_NOT_TRUSTED,
        ),
    ],
    ids=["not offered", "a name from unsigned DNS", "self-signed"],
)
async def test_it_goes_nowhere_else(server: Peer, configured: bool, failure: FailureType) -> None:
    outcome, network = await send(server, configured=configured)
    assert isinstance(outcome, Unmet)
    assert outcome.failure.type is failure
    assert not any(phase.sensitive() for wire in network.wires for phase in wire.phases)


async def test_a_kept_connection_does_not_lend_its_authentic_name() -> None:
    """The same server, once by its configured name and once by what unsigned DNS says."""
    server, network = Peer("gw.example", **TAKES_IT_ON), Network()  # type: ignore[arg-type]
    network.add(server)
    pool = ConnectionPool(OPTIONS, VirtualClock())
    known = way(server, REQUIRED, name_authenticated=True)
    connection = await open_connection(network, known, OPTIONS)
    pool.give_back(connection, known)
    assert pool.take(way(server, REQUIRED)) is None
    assert pool.take(known) is connection
    await pool.close()
