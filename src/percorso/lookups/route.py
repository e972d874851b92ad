"""From a hop to the targets to try, in their order: a domain's mail servers, or a configured host's."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final

from percorso.core.delivery.plan import Leg
from percorso.core.hosts.host import Host, HostServer, Target
from percorso.core.hosts.selection import order
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Hop
from percorso.lookups.mx import MailServers, NoServers, Server
from percorso.ports.resolver import LookupFailed

MAX_TARGETS: Final = 20


class Router:
    """Finds the targets of hops. `roll` gives random numbers in [0, 1)."""

    def __init__(self, servers: MailServers, *, port: int = 25, roll: Callable[[], float]) -> None:
        """`port` is the one that domains' own servers are dialled at."""
        self._servers = servers
        self._port = port
        self._roll = roll

    async def leg(self, hop: Hop) -> Leg:
        """The hop with its targets, or with the reply that says why there are none."""
        try:
            targets = await (self._host_targets(hop.host) if hop.host else self._direct_targets(hop.domain))
        except NoServers as error:
            return Leg(hop=hop, refusal=error.reply)
        except LookupFailed as error:
            return Leg(hop=hop, refusal=Reply(code=451, enhanced="4.4.3", text=f"The look-up of {hop} failed: {error}"))
        return Leg(hop=hop, targets=targets[:MAX_TARGETS])

    async def _direct_targets(self, domain: str) -> tuple[Target, ...]:
        return self._targets(await self._servers.of_domain(domain), port=self._port)

    async def _host_targets(self, host: Host) -> tuple[Target, ...]:
        """The targets of all its servers. Where none has any, the host may be mended yet: the reply is transient."""
        targets: list[Target] = []
        problems: list[str] = []
        for server in order(host, self._roll):
            try:
                targets += await self._server_targets(host, server)
            except (NoServers, LookupFailed) as error:
                problems.append(f"{server.address}: {error}")
        if not targets:
            text = f"The host {host.name} has no server to try: {'; '.join(problems)}"
            raise NoServers(Reply(code=451, enhanced="4.4.4", text=text))
        return tuple(targets)

    async def _server_targets(self, host: Host, server: HostServer) -> tuple[Target, ...]:
        find = self._servers.of_domain if host.mx_lookup else self._servers.of_name
        return self._targets(await find(server.address), port=server.port, implicit_tls=host.tls == "implicit")

    def _targets(self, servers: Sequence[Server], *, port: int, implicit_tls: bool = False) -> tuple[Target, ...]:
        ordered: Iterable[Server] = servers if len(servers) == 1 else self._by_preference(servers)
        return tuple(
            [
                Target(
                    name=server.name,
                    address=address,
                    port=port,
                    implicit_tls=implicit_tls,
                    name_authenticated=server.authenticated,
                )
                for server in ordered
                for address in server.addresses
            ]
        )

    def _by_preference(self, servers: Sequence[Server]) -> Iterable[Server]:
        """Those equally preferred in random order, to spread the load (RFC 5321, 5.1)."""
        for _, equals in groupby(servers, key=lambda server: server.preference):
            yield from sorted(equals, key=lambda _: self._roll())
