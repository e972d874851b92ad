"""Carry one job through its plan: target after target, until the plan says how it ends."""

import msgspec

from percorso.core.delivery.next_step import next_step, settled
from percorso.core.delivery.outcome import Unmet
from percorso.core.delivery.plan import Attempt, Plan, Settle
from percorso.core.evidence.record import TlsFacts
from percorso.core.mail.reply import Reply
from percorso.delivery.ended import Ended, ended
from percorso.delivery.job import Job
from percorso.delivery.send import Sender
from percorso.delivery.sign import NotSigned, Signer
from percorso.delivery.way import way_to
from percorso.lookups.route import Router
from percorso.ports.clock import Clock


class Trip:
    """How far a job has come. The second leg is looked up only where the first may lead to it."""

    __slots__ = ("plan", "shown")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shown: list[TlsFacts] = []
        """What each target showed of itself, beside the plan's `tried`."""

    @property
    def unmet(self) -> bool:
        """Whether a target failed the requirement."""
        return any(isinstance(tried.outcome, Unmet) for tried in self.plan.tried)


class Carrier:
    """Takes jobs to where they go."""

    def __init__(self, router: Router, sender: Sender, signer: Signer, clock: Clock, node: str) -> None:
        self._router = router
        self._sender = sender
        self._signer = signer
        self._clock = clock
        self._node = node

    async def carry(self, job: Job) -> Ended:
        """The job at its end, still to be settled in the queue. Raises `Outdated`."""
        if job.refusal is not None:
            return self.stopped(job, job.refusal)
        if job.settings.signing:
            try:
                job = msgspec.structs.replace(job, signed=await self._signer.content(job))
            except NotSigned as error:
                return self.stopped(job, error.reply)
        trip = Trip(Plan(legs=(await self._router.leg(job.hops[0]),), recipients=len(job.recipients)))
        step = await self._follow(job, trip)
        if len(job.hops) > 1 and trip.unmet:
            trip.plan = msgspec.structs.replace(trip.plan, legs=(*trip.plan.legs, await self._router.leg(job.hops[1])))
            step = await self._follow(job, trip)
        return ended(job, trip.plan, step, trip.shown, at=self._clock.now(), node=self._node)

    async def _follow(self, job: Job, trip: Trip) -> Settle:
        """Try one target after the other, until the plan knows no more."""
        while isinstance(step := next_step(trip.plan), Attempt):
            outcome, tls = await self._sender.send(job, way_to(trip.plan.legs[step.leg].hop, step))
            trip.plan = trip.plan.after(step, outcome)
            trip.shown.append(tls)
        return step

    def stopped(self, job: Job, reply: Reply) -> Ended:
        """The job at its end before any target was tried, with one reply for all recipients."""
        plan = Plan(legs=(), recipients=len(job.recipients))
        step = settled(reply, len(job.recipients))
        return ended(job, plan, step, (), at=self._clock.now(), node=self._node)
