"""Who we are to a host: the password goes last of all, over TLS that meets the requirement, or not at all."""

import base64
from collections.abc import Callable

import msgspec
import pytest

from percorso.core.delivery.outcome import Answered, Unmet, Unreachable
from percorso.core.delivery.plan import Attempt
from percorso.core.hosts.host import Host, HostServer, Target
from percorso.core.policy.decision import Hop
from percorso.core.tls.requirement import OPPORTUNISTIC, IdentityClause, Requirement
from percorso.core.tls.result import FailureType
from percorso.delivery.connection import Connection
from percorso.delivery.dial import NoConnection, open_connection
from percorso.delivery.pool import ConnectionPool
from percorso.delivery.way import Way, way_to
from percorso.ports.queue import StoreError
from tests.delivery.messages import MemoryContent, envelope, to
from tests.delivery.ways import OPTIONS
from tests.network.clock import VirtualClock
from tests.network.credential import SELF_SIGNED
from tests.network.network import Network
from tests.network.peer import Fault, Peer, Step

TRUSTED = Requirement(encrypted=True, identity=(IdentityClause(ca=True, host=True),))
PASSWORD = "tàlpa 1234"
SENT = base64.b64encode(f"\0us\0{PASSWORD}".encode())
AUTH = ("AUTH PLAIN LOGIN",)


def secrets(name: str) -> bytes:
    return {"gw": PASSWORD.encode(), "binary": b"\xff"}[name]


def way(server: Peer, requirement: Requirement = TRUSTED, *, named: str = "gw") -> Way:
    host = Host(
        name="gw",
        primary=(HostServer(address=server.name),),
        requirement=requirement,
        username="us",
        password_secret=named,
    )
    target = Target(name=server.name, address=server.address, port=server.port, implicit_tls=server.implicit_tls)
    return way_to(Hop(domain="bank.test", host=host, requirement=requirement), Attempt(leg=0, target=target))


async def log_in(
    server: Peer, requirement: Requirement = TRUSTED, *, named: str = "gw", store: Callable[[str], bytes] = secrets
) -> tuple[Connection | Unmet | Unreachable, Network]:
    network = Network()
    network.add(server)
    options = msgspec.structs.replace(OPTIONS, secret=store)
    try:
        return await open_connection(network, way(server, requirement, named=named), options), network
    except NoConnection as error:
        return error.outcome, network


def said(network: Network) -> bytes:
    return b"".join(bytes(phase.data) for wire in network.wires for phase in wire.phases)


@pytest.mark.parametrize("implicit", [False, True])
async def test_we_say_who_we_are_and_then_what_we_bring(implicit: bool) -> None:
    server = Peer("gw.example", extensions_tls=AUTH, implicit_tls=implicit)
    connection, network = await log_in(server)
    assert isinstance(connection, Connection)
    outcome = await connection.transact(TRUSTED, envelope(), to("bob@bank.test"), MemoryContent())
    assert isinstance(outcome, Answered)
    (wire,) = network.wires
    assert SENT not in bytes(wire.phases[0].data)
    assert b"AUTH PLAIN " + SENT + b"\r\nMAIL FROM:<a@corp.test>" in bytes(wire.phases[-1].data)


@pytest.mark.parametrize(
    ("server", "requirement", "failure"),
    [
        (Peer("gw.example", extensions=AUTH, credential=None), TRUSTED, FailureType.STARTTLS_NOT_SUPPORTED),
        (Peer("gw.example", extensions_tls=AUTH, credential=SELF_SIGNED), TRUSTED, FailureType.CERTIFICATE_NOT_TRUSTED),
    ],
    ids=["no TLS", "self-signed"],
)
async def test_where_the_message_could_not_go_the_password_does_not(
    server: Peer, requirement: Requirement, failure: FailureType
) -> None:
    outcome, network = await log_in(server, requirement)
    assert isinstance(outcome, Unmet)
    assert outcome.failure.type is failure
    assert b"AUTH" not in said(network)


async def test_never_in_plaintext_even_where_plaintext_would_do() -> None:
    outcome, network = await log_in(Peer("gw.example", extensions=AUTH, credential=None), OPPORTUNISTIC)
    assert isinstance(outcome, Unreachable)
    assert "a password goes over TLS only" in outcome.reply.text
    assert b"AUTH" not in said(network)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Peer("gw.example"), "it offers neither AUTH PLAIN nor AUTH LOGIN"),
        (Peer("gw.example", extensions_tls=("AUTH CRAM-MD5",)), "it offers neither AUTH PLAIN nor AUTH LOGIN"),
        (
            Peer("gw.example", extensions_tls=AUTH, script={Step.AUTH: "535 5.7.8 who?"}),
            "it refused the account us: 535 5.7.8 who?",
        ),
        (
            Peer("gw.example", extensions_tls=AUTH, script={Step.AUTH: "454 4.7.0 later"}),
            "it refused the account us: 454 4.7.0 later",
        ),
        (Peer("gw.example", extensions_tls=AUTH, script={Step.AUTH: Fault.DROP}), "closed"),
    ],
)
async def test_a_host_that_does_not_let_us_in_keeps_the_mail_waiting(server: Peer, words: str) -> None:
    outcome, _ = await log_in(server)
    assert isinstance(outcome, Unreachable)
    assert outcome.reply.transient
    assert outcome.requirement_met, "it is no reason to take another way"
    assert words in outcome.reply.text
    assert PASSWORD not in repr(outcome)


def failing(_name: str) -> bytes:
    raise StoreError("the disk is gone")


def none(name: str) -> bytes:
    raise LookupError(f"there is no secret {name!r} on this node")


@pytest.mark.parametrize(
    ("secret", "store", "words"),
    [
        ("gw", none, "there is no secret 'gw' on this node"),
        ("gw", failing, "the secret gw cannot be used: the disk is gone"),
        ("binary", secrets, "the secret binary cannot be used"),
    ],
)
async def test_a_secret_that_cannot_be_had(secret: str, store: Callable[[str], bytes], words: str) -> None:
    outcome, network = await log_in(Peer("gw.example", extensions_tls=AUTH), named=secret, store=store)
    assert isinstance(outcome, Unreachable)
    assert outcome.reply.transient
    assert words in outcome.reply.text
    assert b"AUTH" not in said(network)


async def test_a_kept_connection_is_for_the_same_account_only() -> None:
    server, network = Peer("gw.example", extensions_tls=AUTH), Network()
    network.add(server)
    pool = ConnectionPool(OPTIONS, VirtualClock())
    ours = way(server)
    connection = await open_connection(network, ours, msgspec.structs.replace(OPTIONS, secret=secrets))
    pool.give_back(connection, ours)
    assert pool.take(way(server, named="another")) is None
    assert pool.take(msgspec.structs.replace(ours, login=None)) is None
    assert pool.take(ours) is connection
    await pool.close()
