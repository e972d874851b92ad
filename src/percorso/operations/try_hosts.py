"""Hosts that a change of settings adds or alters, tried before it is made: reached, and meeting what they are asked."""

import asyncio
from collections.abc import Sequence
from typing import Final

from percorso.core.delivery.plan import Attempt
from percorso.core.hosts.host import Host
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.decision import Hop
from percorso.core.tls.requirement import Requirement
from percorso.delivery.way import way_to
from percorso.operations.network import Network
from percorso.operations.settings import Plan
from percorso.operations.tls_trial import Step, Trial

PATIENCE: Final = 10.0
"""Seconds for all of it: who applies a change waits for it."""

_EVENTS: Final = {"host:create", "host:change"}


def new_hosts(plan: Plan) -> list[str]:
    """The names of the hosts that are to be tried."""
    return [change.name for change in plan.changes if change.event in _EVENTS]


async def try_hosts(plan: Plan, network: Network, *, patience: float = PATIENCE) -> list[str]:
    """What is wrong with them, a sentence for each server, at the organization's minimum TLS version; no message is
    sent, and nobody logs in."""
    settings = compile_settings(plan.document, plan.newest)
    hosts = [settings.hosts[name] for name in new_hosts(plan)]
    tried = [_try_host(host, settings.floored(host.requirement), network, patience) for host in hosts]
    return [f'host "{name}": {text}' for name, texts in await asyncio.gather(*tried) for text in texts]


async def _try_host(
    host: Host, requirement: Requirement, network: Network, patience: float
) -> tuple[str, Sequence[str]]:
    hop = Hop(domain="", host=host, requirement=requirement)
    try:
        async with asyncio.timeout(patience):
            leg = await network.router.leg(hop)
            if leg.refusal:
                return host.name, [leg.refusal.text]
            tries = [_try_server(hop, Attempt(leg=0, target=target), network) for target in leg.targets]
            return host.name, [text for text in await asyncio.gather(*tries) if text]
    except TimeoutError:
        return host.name, [f"it does not answer within {patience:g} s"]


async def _try_server(hop: Hop, attempt: Attempt, network: Network) -> str:
    """What is wrong with it; "" for nothing."""
    wrong: list[Step] = []

    def take(step: Step) -> None:
        if not step.well:
            wrong.append(step)

    report = await Trial(network, way_to(hop, attempt), take).run()
    if report.met:
        return ""
    if report.failure:
        return f"{report.server} does not meet {hop.requirement}: {report.failure}"
    return f"{report.server}: {wrong[-1].seen if wrong else 'it does not answer as a mail server'}"
