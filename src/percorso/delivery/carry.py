"""Carry one job through its plan: target after target, until the plan says how it ends."""

from percorso.core.delivery.next_step import next_step, settled
from percorso.core.delivery.plan import Attempt, Plan
from percorso.core.mail.reply import Reply
from percorso.core.tls.handshake import Handshake
from percorso.delivery.ended import Ended, ended
from percorso.delivery.job import Job
from percorso.delivery.send import Sender
from percorso.delivery.way import way_to
from percorso.lookups.route import Router
from percorso.ports.clock import Clock


class Carrier:
    """Takes jobs to where they go."""

    def __init__(self, router: Router, sender: Sender, clock: Clock, node: str) -> None:
        self._router = router
        self._sender = sender
        self._clock = clock
        self._node = node

    async def carry(self, job: Job) -> Ended:
        """The job at its end, still to be settled in the queue."""
        if job.refusal is not None:
            return self.stopped(job, job.refusal)
        legs = [await self._router.leg(hop) for hop in job.hops]
        plan = Plan(legs=tuple(legs), recipients=len(job.recipients))
        handshakes: list[Handshake] = []
        while isinstance(step := next_step(plan), Attempt):
            outcome, handshake = await self._sender.send(job, way_to(plan.legs[step.leg].hop, step))
            plan = plan.after(step, outcome)
            handshakes.append(handshake)
        return ended(job, plan, step, handshakes, at=self._clock.now(), node=self._node)

    def stopped(self, job: Job, reply: Reply) -> Ended:
        """The job at its end before any target was tried, with one reply for all recipients."""
        plan = Plan(legs=(), recipients=len(job.recipients))
        step = settled(reply, len(job.recipients))
        return ended(job, plan, step, (), at=self._clock.now(), node=self._node)
