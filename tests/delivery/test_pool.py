"""Kept connections: found only under their whole key, never in plaintext for mail that requires more."""

import asyncio

import msgspec
import pytest

from percorso.core.delivery.plan import Attempt
from percorso.core.hosts.host import Host, HostServer, Target
from percorso.core.policy.decision import Hop
from percorso.core.tls.requirement import ENCRYPTED, IdentityClause, Requirement
from percorso.delivery.connection import Connection
from percorso.delivery.dial import open_connection
from percorso.delivery.pool import ConnectionPool
from percorso.delivery.way import Way, way_to
from percorso.ports.dialer import TlsOffer
from tests.delivery.ways import OPTIONS, way
from tests.network.network import Network
from tests.network.peer import Fault, Peer, Step


class Pooled:
    """A network with one peer, and a pool."""

    def __init__(self, server: Peer | None = None, **options: float) -> None:
        self.network = Network()
        self.server = self.network.add(server or Peer("mx.bank.test"))
        self.pool = ConnectionPool(msgspec.structs.replace(OPTIONS, **options), self.network.clock)

    async def keep(self, by: Way) -> Connection:
        connection = await open_connection(self.network, by, OPTIONS)
        self.pool.give_back(connection, by)
        return connection

    def way(self, requirement: Requirement | None = None, **more: object) -> Way:
        return way(self.server, requirement or Requirement(), **more)  # type: ignore[arg-type]


async def test_kept_and_found_once() -> None:
    pooled = Pooled()
    kept = await pooled.keep(pooled.way())
    assert pooled.pool.take(pooled.way()) is kept
    assert kept.reused
    assert pooled.pool.take(pooled.way()) is None


async def test_opportunistic_mail_takes_an_encrypted_connection_before_a_plaintext_one() -> None:
    pooled = Pooled()
    plain = await pooled.keep(pooled.way(tls=False))
    encrypted = await pooled.keep(pooled.way())
    assert pooled.pool.take(pooled.way()) is encrypted
    assert pooled.pool.take(pooled.way()) is plain


@pytest.mark.parametrize("server", [Peer("mx.bank.test", credential=None), Peer("mx.bank.test")])
async def test_a_plaintext_connection_is_never_found_for_mail_that_requires_tls(server: Peer) -> None:
    pooled = Pooled(server)
    await pooled.keep(pooled.way(tls=server.credential is None))
    assert pooled.pool.take(pooled.way(ENCRYPTED)) is None
    assert pooled.pool.take(pooled.way(ENCRYPTED, tls=False)) is None


async def test_an_encrypted_connection_is_not_found_for_an_attempt_in_plaintext() -> None:
    pooled = Pooled()
    await pooled.keep(pooled.way())
    assert pooled.pool.take(pooled.way(tls=False)) is None


KEY_PARTS = {
    "hop": {"hop": "host encryptor"},
    "address": {"target": Target(name="mx.bank.test", address="198.51.9.9")},
    "port": {"target": Target(name="mx.bank.test", address="198.51.0.1", port=26)},
    "implicit TLS": {"target": Target(name="mx.bank.test", address="198.51.0.1", implicit_tls=True)},
    "reference name": {"offer": TlsOffer(reference_name="mx2.bank.test")},
    "trust anchors": {"offer": TlsOffer(reference_name="mx.bank.test", ca_files=("/etc/own.pem",))},
    "client identity": {"offer": TlsOffer(reference_name="mx.bank.test", client_certificate_secret="ours")},
    "pins": {"pins": ("ab" * 32,)},
}


@pytest.mark.parametrize("part", KEY_PARTS)
async def test_every_part_of_the_key_counts(part: str) -> None:
    pooled = Pooled()
    by = pooled.way(ENCRYPTED)
    kept = await pooled.keep(by)
    assert pooled.pool.take(msgspec.structs.replace(by, **KEY_PARTS[part])) is None  # type: ignore[arg-type]
    assert pooled.pool.take(by) is kept


def test_the_way_carries_what_the_requirement_names() -> None:
    clauses = (IdentityClause(ca=True, ca_file="/b.pem"), IdentityClause(pins=("11", "22")), IdentityClause(host=True))
    requirement = Requirement(encrypted=True, identity=clauses)
    host = Host(
        name="encryptor",
        primary=(HostServer(address="gw.test"),),
        requirement=ENCRYPTED,
        client_certificate_secret="ours",
    )
    target = Target(name="gw.test", address="198.51.0.7")
    found = way_to(Hop(domain="bank.test", host=host, requirement=requirement), Attempt(leg=0, target=target))
    assert found.hop == "host encryptor"
    assert found.offer == TlsOffer(reference_name="gw.test", ca_files=("/b.pem",), client_certificate_secret="ours")
    assert found.pins == ("11", "22")
    direct = way_to(Hop(domain="bank.test", requirement=requirement), Attempt(leg=0, target=target))
    assert direct.hop == "direct"
    assert not direct.offer.client_certificate_secret


async def test_worn_connections_are_closed_with_quit() -> None:
    pooled = Pooled(max_messages=3)
    connection = await open_connection(pooled.network, pooled.way(), OPTIONS)
    connection.messages = 3
    pooled.pool.give_back(connection, pooled.way())
    assert pooled.pool.take(pooled.way()) is None
    await pooled.pool.close()
    (wire,) = pooled.network.wires
    assert wire.closed
    assert bytes(wire.phases[-1].data).endswith(b"QUIT\r\n")


async def test_idle_connections_are_closed_after_a_while() -> None:
    pooled = Pooled(idle_timeout=0.002)
    await pooled.keep(pooled.way())
    pooled.network.clock.advance(1)
    wire = pooled.network.wires[0]
    for _ in range(5000):
        await asyncio.sleep(0.001)
        if wire.closed:
            break
    assert wire.closed
    assert pooled.pool.take(pooled.way()) is None
    await pooled.pool.close()


async def test_no_more_than_so_many_are_kept() -> None:
    pooled = Pooled(max_idle=2)
    for _ in range(3):
        await pooled.keep(pooled.way())
    assert [pooled.pool.take(pooled.way()) is None for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("action", [Fault.SILENCE, Fault.DROP, b"\x00\r\n"])
async def test_closing_does_not_wait_for_a_peer_that_does_not_answer(action: Fault | bytes) -> None:
    pooled = Pooled(Peer("mx.bank.test", script={Step.QUIT: action}))
    await pooled.keep(pooled.way())
    await asyncio.wait_for(pooled.pool.close(), 5)
    assert all(wire.closed for wire in pooled.network.wires)
