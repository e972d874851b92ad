"""Domains of every kind, through the names in memory, to the targets of a hop."""

import random
from collections.abc import Callable

import pytest

from percorso.core.hosts.host import Host, HostServer, Target
from percorso.core.policy.decision import Hop
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC
from percorso.lookups.mx import MAX_ADDRESSES, MAX_SERVERS, MailServers, Ourselves
from percorso.lookups.route import MAX_TARGETS, Router
from tests.network.clock import VirtualClock
from tests.network.names import TTL, Names

US = Ourselves(names=frozenset({"gate.corp.test"}), addresses=frozenset({"192.0.2.99"}), listen_at="192.0.2.98".__eq__)


class World:
    """Names, time and the router on them."""

    def __init__(self, *, ipv6: bool = True, deny: tuple[str, ...] = ()) -> None:
        self.names = Names()
        self.clock = VirtualClock()
        servers = MailServers(self.names, self.clock, ipv6=ipv6, ourselves=US, deny_networks=deny)
        self.router = Router(servers, roll=random.Random(7).random)

    async def direct(self, domain: str = "bank.test") -> tuple[Target, ...]:
        leg = await self.router.leg(Hop(domain=domain, requirement=OPPORTUNISTIC))
        assert leg.refusal is None, leg.refusal
        return leg.targets

    async def refusal(self, domain: str = "bank.test") -> str:
        leg = await self.router.leg(Hop(domain=domain, requirement=OPPORTUNISTIC))
        assert leg.refusal is not None, leg.targets
        assert leg.targets == ()
        assert domain in leg.refusal.text
        return f"{leg.refusal.code} {leg.refusal.enhanced}"

    async def by_host(
        self, *servers: HostServer, mx_lookup: bool = False, implicit: bool = False
    ) -> tuple[Target, ...]:
        leg = await self.router.leg(host_hop(*servers, mx_lookup=mx_lookup, implicit=implicit))
        assert leg.refusal is None, leg.refusal
        return leg.targets


def host_hop(*servers: HostServer, mx_lookup: bool = False, implicit: bool = False) -> Hop:
    host = Host(
        name="encryptor",
        primary=servers,
        requirement=ENCRYPTED,
        mx_lookup=mx_lookup,
        tls="implicit" if implicit else "starttls",
    )
    return Hop(domain="bank.test", host=host, requirement=ENCRYPTED)


def names_of(targets: tuple[Target, ...]) -> list[str]:
    return list(dict.fromkeys(target.name for target in targets))


async def test_preference_then_addresses_by_turns() -> None:
    world = World()
    world.names.mx("bank.test", (20, "mx2.bank.test"), (10, "mx1.bank.test"))
    world.names.host("mx1.bank.test", "192.0.2.1", "192.0.2.2", "2001:db8::1")
    world.names.host("mx2.bank.test", "192.0.2.3")
    targets = await world.direct()
    assert [target.address for target in targets] == ["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"]
    assert names_of(targets) == ["mx1.bank.test", "mx2.bank.test"]
    assert {(target.port, target.implicit_tls, target.name_authenticated) for target in targets} == {(25, False, False)}


async def test_without_ipv6_only_a_is_asked() -> None:
    world = World(ipv6=False)
    world.names.mx("bank.test", (10, "mx1.bank.test"))
    world.names.host("mx1.bank.test", "192.0.2.1", "2001:db8::1")
    assert [target.address for target in await world.direct()] == ["192.0.2.1"]
    assert ("mx1.bank.test", "AAAA") not in world.names.asked


async def test_equally_preferred_servers_take_turns() -> None:
    world = World()
    world.names.mx("bank.test", *((10, f"mx{i}.bank.test") for i in range(3)), (20, "last.bank.test"))
    for i in range(3):
        world.names.host(f"mx{i}.bank.test", f"192.0.2.{i}")
    world.names.host("last.bank.test", "192.0.2.9")
    orders = [names_of(await world.direct()) for _ in range(60)]
    assert {order[0] for order in orders} == {"mx0.bank.test", "mx1.bank.test", "mx2.bank.test"}
    assert {order[-1] for order in orders} == {"last.bank.test"}


async def test_the_domain_itself_without_mx() -> None:
    world = World()
    world.names.host("bank.test", "192.0.2.1")
    assert await world.direct() == (Target(name="bank.test", address="192.0.2.1"),)


async def test_an_alias_of_the_domain_is_followed_and_its_mx_taken() -> None:
    world = World()
    world.names.alias("bank.test", "bank.example")
    world.names.mx("bank.example", (10, "mx.bank.example"))
    world.names.host("mx.bank.example", "192.0.2.1")
    assert names_of(await world.direct()) == ["mx.bank.example"]


async def test_an_mx_that_is_an_alias_keeps_its_name() -> None:
    """Its certificate is to name what the MX record says, whatever an unsigned CNAME makes of it."""
    world = World()
    world.names.mx("bank.test", (10, "mx.bank.test"))
    world.names.alias("mx.bank.test", "somewhere.example")
    world.names.host("somewhere.example", "192.0.2.1")
    assert await world.direct() == (Target(name="mx.bank.test", address="192.0.2.1"),)


async def test_names_from_validated_answers_are_marked() -> None:
    world = World()
    world.names.mx("bank.test", (10, "mx.bank.test"))
    world.names.host("mx.bank.test", "192.0.2.1")
    world.names.authenticated.add("bank.test")
    assert [target.name_authenticated for target in await world.direct()] == [True]


def null_mx(names: Names) -> None:
    names.set("bank.test", "MX", "0 .")


def unknown(names: Names) -> None:
    """Nothing is written down: NXDOMAIN."""


def nothing(names: Names) -> None:
    names.set("bank.test", "TXT", "here")


def no_addresses(names: Names) -> None:
    names.mx("bank.test", (10, "mx.bank.test"))


def bad_names(names: Names) -> None:
    names.set("bank.test", "MX", "10 mx..bank.test.", "10 192.0.2.1:25.")


def failed_mx(names: Names) -> None:
    names.host("bank.test", "192.0.2.1")
    names.fail("bank.test", "MX")


def failed_addresses(names: Names) -> None:
    names.mx("bank.test", (10, "mx.bank.test"))
    names.fail("mx.bank.test")


def half_failed(names: Names) -> None:
    names.mx("bank.test", (10, "mx.bank.test"))
    names.set("mx.bank.test", "AAAA")
    names.fail("mx.bank.test", "A")


def ourselves_by_name(names: Names) -> None:
    names.mx("bank.test", (10, "gate.corp.test"), (20, "mx2.bank.test"))
    names.host("gate.corp.test", "192.0.2.50")
    names.host("mx2.bank.test", "192.0.2.1")


def ourselves_without_an_address(names: Names) -> None:
    ourselves_by_name(names)
    names.fail("gate.corp.test")


def ourselves_by_address(names: Names) -> None:
    names.mx("bank.test", (10, "mx1.bank.test"), (10, "mx2.bank.test"))
    names.host("mx1.bank.test", "192.0.2.99")
    names.host("mx2.bank.test", "192.0.2.1")


def ourselves_by_a_listener_on_every_address(names: Names) -> None:
    names.mx("bank.test", (10, "mx1.bank.test"))
    names.host("mx1.bank.test", "192.0.2.98")


def ourselves_without_mx(names: Names) -> None:
    names.host("bank.test", "192.0.2.99")


@pytest.mark.parametrize(
    ("make", "reply"),
    [
        (null_mx, "556 5.1.10"),
        (unknown, "550 5.1.2"),
        (nothing, "550 5.4.4"),
        (no_addresses, "550 5.4.4"),
        (bad_names, "550 5.4.4"),
        (failed_mx, "451 4.4.3"),
        (failed_addresses, "451 4.4.3"),
        (half_failed, "451 4.4.3"),
        (ourselves_by_name, "554 5.4.6"),
        (ourselves_without_an_address, "554 5.4.6"),
        (ourselves_by_address, "554 5.4.6"),
        (ourselves_without_mx, "554 5.4.6"),
        (ourselves_by_a_listener_on_every_address, "554 5.4.6"),
    ],
)
async def test_refusals(make: Callable[[Names], None], reply: str) -> None:
    world = World()
    make(world.names)
    assert await world.refusal() == reply


async def test_a_null_mx_beside_others_means_nothing() -> None:
    world = World()
    world.names.set("bank.test", "MX", "0 .", "10 mx.bank.test.")
    world.names.host("mx.bank.test", "192.0.2.1")
    assert names_of(await world.direct()) == ["mx.bank.test"]


async def test_only_servers_before_us_are_tried() -> None:
    world = World()
    world.names.mx(
        "bank.test", (5, "best.bank.test"), (10, "gate.corp.test"), (10, "peer.bank.test"), (20, "late.test")
    )
    for name, address in (
        ("best.bank.test", "192.0.2.1"),
        ("gate.corp.test", "192.0.2.99"),
        ("late.test", "192.0.2.3"),
    ):
        world.names.host(name, address)
    world.names.host("peer.bank.test", "192.0.2.2")
    assert names_of(await world.direct()) == ["best.bank.test"]


async def test_one_servers_failed_lookup_leaves_the_others_and_is_asked_again() -> None:
    world = World()
    world.names.mx("bank.test", (10, "mx1.bank.test"), (20, "mx2.bank.test"))
    world.names.host("mx2.bank.test", "192.0.2.2")
    world.names.fail("mx1.bank.test")
    assert names_of(await world.direct()) == ["mx2.bank.test"]
    world.names.mend("mx1.bank.test")
    world.names.host("mx1.bank.test", "192.0.2.1")
    assert names_of(await world.direct()) == ["mx1.bank.test", "mx2.bank.test"]


async def test_limits() -> None:
    world = World()
    world.names.mx("bank.test", *((i, f"mx{i}.bank.test") for i in range(50)))
    for i in range(50):
        world.names.host(f"mx{i}.bank.test", *(f"192.0.{i}.{j}" for j in range(30)))
    targets = await world.direct()
    assert len(targets) == MAX_TARGETS
    assert max(sum(target.name == name for target in targets) for name in names_of(targets)) == MAX_ADDRESSES
    assert ("mx49.bank.test", "A") not in world.names.asked
    assert len({name for name, kind in world.names.asked if kind == "A"}) == MAX_SERVERS


async def test_servers_are_kept_for_their_ttl_and_failures_are_not() -> None:
    world = World()
    assert await world.refusal() == "550 5.1.2"
    world.names.mx("bank.test", (10, "mx.bank.test"))
    world.names.host("mx.bank.test", "192.0.2.1")
    await world.direct()
    asked = len(world.names.asked)
    world.clock.advance(TTL - 1)
    await world.direct()
    assert len(world.names.asked) == asked
    world.clock.advance(2)
    await world.direct()
    assert len(world.names.asked) > asked


async def test_a_hosts_servers_by_name_and_by_address() -> None:
    world = World()
    world.names.host("gw.example", "192.0.2.1", "2001:db8::1")
    targets = await world.by_host(HostServer(address="gw.example", port=2525), implicit=True)
    assert targets == tuple(
        Target(name="gw.example", address=address, port=2525, implicit_tls=True, name_authenticated=True)
        for address in ("192.0.2.1", "2001:db8::1")
    )
    (target,) = await world.by_host(HostServer(address="2001:db8::7"))
    assert (target.name, target.address, str(target)) == ("2001:db8::7", "2001:db8::7", "[2001:db8::7]:25")


async def test_a_hosts_mx_is_looked_up_only_where_it_says_so() -> None:
    world = World()
    world.names.mx("gw.example", (10, "mx.gw.example"))
    world.names.host("mx.gw.example", "192.0.2.2")
    (target,) = await world.by_host(HostServer(address="gw.example", port=587), mx_lookup=True)
    assert (target.name, target.port) == ("mx.gw.example", 587)
    leg = await world.router.leg(host_hop(HostServer(address="gw.example")))
    assert leg.refusal is not None


async def test_a_host_without_any_address_defers() -> None:
    """The administrator may mend it; the mail must not bounce for it at once."""
    world = World()
    world.names.fail("gw1.example")
    leg = await world.router.leg(host_hop(HostServer(address="gw1.example"), HostServer(address="gw2.example")))
    assert leg.refusal is not None
    assert (leg.refusal.code, leg.refusal.enhanced) == (451, "4.4.4")
    assert "gw1.example" in leg.refusal.text
    assert "gw2.example" in leg.refusal.text


async def test_one_server_of_a_host_without_address_leaves_the_others() -> None:
    world = World()
    world.names.host("gw2.example", "192.0.2.2")
    targets = await world.by_host(HostServer(address="gw1.example"), HostServer(address="gw2.example"))
    assert names_of(targets) == ["gw2.example"]


async def test_no_mx_brings_mail_into_a_denied_network() -> None:
    world = World(deny=("10.0.0.0/8", "127.0.0.0/8", "::1/128"))
    world.names.mx("bank.test", (10, "mx1.bank.test"), (20, "mx2.bank.test"))
    world.names.host("mx1.bank.test", "10.1.2.3", "::ffff:127.0.0.1", "2001:db8::1")
    world.names.host("mx2.bank.test", "127.0.0.1")
    assert [target.address for target in await world.direct()] == ["2001:db8::1"]
    world.names.host("evil.test", "127.0.0.5")
    assert await world.refusal("evil.test") == "550 5.4.4"
    world.names.host("gw.corp.test", "10.1.2.3")
    (target,) = await world.by_host(HostServer(address="gw.corp.test"))
    assert target.address == "10.1.2.3"
