"""A domain's mail servers: its MX records, their addresses, and what stands against sending there (RFC 5321, 5.1).

1. No answer is not "no records": `LookupFailed` comes through, and the caller defers.
2. A null MX refuses mail (RFC 7505); without any MX the domain itself is its server.
3. Servers as preferred as we are, or less, are dropped; if we are the best, it is a loop.
4. Of the records at most ten servers are used, and at most four addresses of each.
5. No MX record brings mail into a denied network; a configured host may be in one.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from itertools import zip_longest
from typing import Final

import msgspec

from percorso.core.mail.address import BadAddress, parse_domain
from percorso.core.mail.reply import Reply
from percorso.ports.clock import Clock
from percorso.ports.resolver import Answer, LookupFailed, RecordType, Resolver

MAX_SERVERS: Final = 10
MAX_ADDRESSES: Final = 4
MAX_DOMAINS: Final = 20_000  # kept at once
MAX_TTL: Final = 3600.0  # seconds; a server's address may be long gone however long its TTL was


class NoServers(Exception):
    """The domain takes no mail, or none can be sent to it; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One server of a domain, with its addresses in the order to try."""

    name: str
    addresses: tuple[str, ...]
    preference: int = 0
    authenticated: bool = False
    """The name came through DNSSEC-validated answers, or from no answer at all."""


class Ourselves(msgspec.Struct, frozen=True, kw_only=True):
    """How we know ourselves among a domain's servers: names as A-labels, IP addresses."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    listen_at: Callable[[str], bool] = lambda _address: False
    """Whether we take mail at an address that is not among these: a listener on every address of the machine."""

    def are(self, server: Server) -> bool:
        """Whether the server is this node, or another of its name."""
        if server.name in self.names or not self.addresses.isdisjoint(server.addresses):
            return True
        return any(map(self.listen_at, server.addresses))


class MailServers:
    """Finds and keeps the servers of domains and the addresses of hosts."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Clock,
        *,
        ipv6: bool = True,
        ourselves: Ourselves | None = None,
        deny_networks: Iterable[str] = (),
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._ipv6 = ipv6
        self._ourselves = ourselves or Ourselves()
        self._denied = [ipaddress.ip_network(network, strict=False) for network in deny_networks]
        self._kept: dict[str, tuple[float, tuple[Server, ...]]] = {}

    async def of_domain(self, domain: str) -> tuple[Server, ...]:
        """The servers by preference, each with an address. Raises `LookupFailed` and `NoServers`."""
        return await self._keeping(domain, lambda: self._find(domain))

    async def of_name(self, name: str) -> tuple[Server, ...]:
        """The one server of this name or IP address, with its addresses. Raises `LookupFailed` and `NoServers`."""
        if _is_address(name):
            return (Server(name=name, addresses=(name,), authenticated=True),)
        return await self._keeping(f"={name}", lambda: self._find_name(name))

    async def _keeping(
        self, key: str, find: Callable[[], Awaitable[tuple[float, tuple[Server, ...]]]]
    ) -> tuple[Server, ...]:
        now = self._clock.monotonic()
        kept = self._kept.get(key)
        if kept and kept[0] > now:
            return kept[1]
        ttl, servers = await find()
        self._kept.pop(key, None)
        if len(self._kept) >= MAX_DOMAINS:
            del self._kept[next(iter(self._kept))]  # the one found longest ago
        self._kept[key] = (now + min(ttl, MAX_TTL), servers)
        return servers

    async def _find_name(self, name: str) -> tuple[float, tuple[Server, ...]]:
        ttl, addresses = await self._addresses(name)
        if not addresses:
            raise NoServers(Reply(code=550, enhanced="5.4.4", text=f"{name} has no address"))
        return ttl, (Server(name=name, addresses=addresses, authenticated=True),)

    async def _find(self, domain: str) -> tuple[float, tuple[Server, ...]]:
        answer = await self._resolver.query(domain, "MX")
        if not answer.exists:
            raise NoServers(Reply(code=550, enhanced="5.1.2", text=f"The domain {domain} does not exist"))
        if not answer.records:
            ttl, servers = await self._find_name(domain)  # the implicit MX
            found = [msgspec.structs.replace(servers[0], authenticated=answer.authenticated)]
            return min(ttl, answer.ttl), self._usable(domain, found)
        exchanges = self._before_our_name(domain, _exchanges(domain, answer))
        ttl, found = await self._located(domain, exchanges, authenticated=answer.authenticated)
        return min(ttl, answer.ttl), self._usable(domain, found)

    async def _located(
        self, domain: str, exchanges: list[tuple[int, str]], *, authenticated: bool
    ) -> tuple[float, list[Server]]:
        located = await asyncio.gather(*(self._addresses(name) for _, name in exchanges), return_exceptions=True)
        servers: list[Server] = []
        ttls: list[float] = []
        failure: LookupFailed | None = None
        for (preference, name), result in zip(exchanges, located, strict=True):
            if isinstance(result, LookupFailed):
                failure, ttls = result, [*ttls, 0.0]  # ask for this one again with the next message
            elif isinstance(result, BaseException):
                raise result
            elif result[1]:
                ttls.append(result[0])
                servers.append(
                    Server(name=name, addresses=result[1], preference=preference, authenticated=authenticated)
                )
        if not servers and failure:
            raise failure
        if not servers:
            text = f"None of the mail servers of {domain} has an address"
            raise NoServers(Reply(code=550, enhanced="5.4.4", text=text))
        return min(ttls), servers

    def _usable(self, domain: str, servers: list[Server]) -> tuple[Server, ...]:
        better = self._before_us(domain, servers)
        if not self._denied:
            return better
        allowed = ((server, tuple(filter(self._is_allowed, server.addresses))) for server in better)
        usable = tuple(
            msgspec.structs.replace(server, addresses=addresses) for server, addresses in allowed if addresses
        )
        if not usable:
            text = f"The mail servers of {domain} are in networks that no mail is sent to"
            raise NoServers(Reply(code=550, enhanced="5.4.4", text=text))
        return usable

    def _is_allowed(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address)
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped  # the socket would go to the IPv4 address
        return not any(parsed in network for network in self._denied)

    def _before_our_name(self, domain: str, exchanges: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """Before any address is known: where the look-up of our own fails, worse servers are no way out."""
        own = min((preference for preference, name in exchanges if name in self._ourselves.names), default=None)
        better = [exchange for exchange in exchanges if own is None or exchange[0] < own]
        if not better:
            raise _looped(domain)
        return better

    def _before_us(self, domain: str, servers: list[Server]) -> tuple[Server, ...]:
        own = min((server.preference for server in servers if self._ourselves.are(server)), default=None)
        better = tuple(server for server in servers if own is None or server.preference < own)
        if not better:
            raise _looped(domain)
        return better

    async def _addresses(self, name: str) -> tuple[float, tuple[str, ...]]:
        """IPv4 and IPv6 addresses by turns; raises `LookupFailed` only where neither look-up gave one."""
        kinds: tuple[RecordType, ...] = ("A", "AAAA") if self._ipv6 else ("A",)
        answers = await asyncio.gather(*(self._resolver.query(name, kind) for kind in kinds), return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        good = [answer for answer in answers if isinstance(answer, Answer)]
        addresses = _by_turns(answer.records for answer in good)[:MAX_ADDRESSES]
        if failures and (not addresses or not isinstance(failures[0], LookupFailed)):
            raise failures[0]
        return min(answer.ttl for answer in good), addresses


def _looped(domain: str) -> NoServers:
    text = f"Mail loop: the best mail server of {domain} is this one, which does not keep mail for it"
    return NoServers(Reply(code=554, enhanced="5.4.6", text=text))


def _exchanges(domain: str, answer: Answer) -> list[tuple[int, str]]:
    """The servers of an MX answer with their preferences, the best first; those with unusable names left out."""
    exchanges = []
    for record in answer.records:
        preference, _, exchange = record.partition(" ")
        if exchange in {".", ""}:  # RFC 7505, 3; beside other records it means nothing
            continue
        try:
            exchanges.append((int(preference), parse_domain(exchange)))
        except BadAddress:
            continue
    if not exchanges and any(record.endswith(" .") for record in answer.records):
        raise NoServers(Reply(code=556, enhanced="5.1.10", text=f"The domain {domain} accepts no mail (null MX)"))
    if not exchanges:
        raise NoServers(Reply(code=550, enhanced="5.4.4", text=f"The MX records of {domain} name no usable server"))
    return sorted(exchanges)[:MAX_SERVERS]


def _by_turns(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(address for turn in zip_longest(*groups) for address in turn if address)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
