"""From a claim to jobs: gather the facts, decide for each recipient, and put together who may travel together.

Recipients share a transaction only if hops and requirements agree; REQUIRETLS, RET and ENVID are the message's. They
need not share what they were decided by: each keeps its own decision for the evidence.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from percorso.core.hosts.host import Host
from percorso.core.mail.reply import Reply
from percorso.core.policy.decide import decide
from percorso.core.policy.decision import Decision, Hop
from percorso.core.policy.settings import Settings
from percorso.core.tls.requirement import Requirement
from percorso.delivery.hand import Held
from percorso.delivery.job import Job
from percorso.lookups.facts import MessageFacts, read_header
from percorso.ports.clock import Clock
from percorso.ports.queue import Claim
from percorso.ports.settings import SettingsSource

MAX_RECIPIENTS: Final = 100
"""Of one transaction; every server takes so many (RFC 5321, 4.5.3.1.8)."""
_AT_ONCE: Final = 100  # recipients decided on before others get a turn


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What recipients of one message must have in common to share a transaction."""

    stretches: tuple[tuple[str, Host | None, Requirement, bool], ...]
    refusal: Reply | None


def passage(decision: Decision) -> Passage:
    """Where a decision sends its recipient, and under what requirement."""
    return Passage(stretches=tuple([_stretch(hop) for hop in decision.hops]), refusal=decision.refusal)


def _stretch(hop: Hop) -> tuple[str, Host | None, Requirement, bool]:
    domain = "" if hop.host else hop.domain  # a host takes mail for every domain
    return domain, hop.host, hop.requirement, hop.alternate


def groups(decisions: Sequence[Decision]) -> Iterator[list[int]]:
    """The places of the decisions that may share a transaction, at most `MAX_RECIPIENTS` together."""
    if len(decisions) == 1:
        yield [0]
        return
    together: dict[Passage, list[int]] = {}
    for place, decision in enumerate(decisions):
        together.setdefault(passage(decision), []).append(place)
    for places in together.values():
        for start in range(0, len(places), MAX_RECIPIENTS):
            yield places[start : start + MAX_RECIPIENTS]


class Sorter:
    """Makes jobs of claims, under the settings of the moment."""

    def __init__(self, settings: SettingsSource, clock: Clock) -> None:
        self._source = settings
        self._clock = clock

    async def jobs(self, held: Held, claim: Claim) -> list[Job]:
        """The jobs of the claim, which is all or part of what is held; together they have its recipients once."""
        head = claim.message.content.head()
        settings, decisions = await self._decide(claim, head)
        message_id = read_header(head, settings.header_names).message_id
        queued = claim.recipients
        return [
            Job(
                held=held,
                recipients=tuple([queued[place] for place in places]),
                decisions=tuple([decisions[place] for place in places]),
                settings=settings,
                message_id=message_id,
            )
            for places in groups(decisions)
        ]

    async def _decide(self, claim: Claim, head: bytes) -> tuple[Settings, list[Decision]]:
        """One decision for each recipient, all under the same settings: begun again where these change meanwhile."""
        message = claim.message
        while True:
            settings = self._source.current
            facts = MessageFacts(
                envelope=message.envelope,
                arrival=message.arrival,
                head=head,
                size=message.content.size,
                source=self._source,
            )
            decisions = []
            for number, queued in enumerate(claim.recipients, start=1):
                of = facts.of(queued.recipient.address, now=self._clock.now(), kept=queued.kept)
                decisions.append(decide(of, settings))
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            if settings is self._source.current:
                return settings, decisions
