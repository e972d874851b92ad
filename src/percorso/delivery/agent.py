"""The delivery agent: takes claims from the queue and sees every recipient of them to a settlement.

1. A claim is decided on (`sort.py`), which makes jobs of it; each goes into the lane of its destination.
2. A lane has a few workers. A worker carries a job through its plan (`carry.py`) and settles it (`settle.py`). Where
   the settings changed before MAIL, the job is decided on again instead.
3. What was taken is settled or given back, whatever happens: an error of ours defers, a stop gives back.
4. A destination that nothing gets through to keeps few jobs in hand; the others go back to the queue for a while.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from percorso.core.mail.reply import Reply
from percorso.core.policy.settings import Settings
from percorso.delivery import log
from percorso.delivery.carry import Carrier
from percorso.delivery.ended import Ended
from percorso.delivery.hand import Held, WorkInHand
from percorso.delivery.job import Job
from percorso.delivery.lane import Lane
from percorso.delivery.options import DeliveryOptions
from percorso.delivery.pool import ConnectionPool
from percorso.delivery.send import Outdated, Sender
from percorso.delivery.settle import Settler
from percorso.delivery.sort import Sorter
from percorso.lookups.route import Router
from percorso.ports.clock import Clock
from percorso.ports.dialer import Dialer
from percorso.ports.queue import Claim, Queue
from percorso.ports.settings import SettingsSource

_SORTERS: Final = 50  # claims decided on at once; they wait only for published policies
_SILENT: Final = 5  # jobs in a row without an answer
_CROWDED_WAIT: Final = 10.0  # seconds until what found its lane full is due again
_BROKEN_WAIT: Final = 60.0  # seconds until what met an error of ours is due again
_BROKEN: Final = Reply(code=451, enhanced="4.3.0", text="internal error; the log of this node has the trace")


class Destination:
    """The lane of one destination, and how many jobs may wait in it."""

    def __init__(self, lane: Lane[Job], options: DeliveryOptions) -> None:
        self.lane = lane
        self._options = options
        self._answered = False
        self._silence = 0

    def note(self, *, answered: bool) -> None:
        """One more job is over, with an answer or without."""
        self._answered = self._answered or answered
        self._silence = 0 if answered else self._silence + 1

    @property
    def limit(self) -> int:
        """As many as there is room for while it answers, a quarter until it does, few once it is silent."""
        if self._silence >= _SILENT:
            return 2 * self._options.concurrency
        return self._options.max_claims if self._answered else max(1, self._options.max_claims // 4)


class DeliveryAgent:
    """The queue's `Consumer`; `queue.attach` it, and `stop` it before the queue is closed."""

    def __init__(
        self,
        *,
        queue: Queue,
        settings: SettingsSource,
        router: Router,
        dialer: Dialer,
        clock: Clock,
        options: DeliveryOptions,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._options = options
        self._pool = ConnectionPool(options, clock)
        self._hand = WorkInHand(options, queue.wake)
        self._sorter = Sorter(settings, clock)
        self._carrier = Carrier(router, Sender(dialer, self._pool, options, settings), clock, options.node)
        self._settler = Settler(queue, options)
        self._intake: Lane[Held] = Lane(self._sort, lambda: None, width=_SORTERS, linger=options.linger)
        self._destinations: dict[str, Destination] = {}
        self._stopping = False

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand: all that was taken is settled or given back, durably."""
        return self._hand.empty

    def room(self) -> int:
        """How many more claims delivery takes now."""
        return self._hand.room()

    def take(self, claims: Sequence[Claim]) -> None:
        """Claims, durable, to be delivered."""
        for claim in claims:
            held = self._hand.take(claim)
            if self._stopping:
                self._give_back(held, claim)
            else:
                self._intake.put(held)

    def settings_changed(self, _: Settings) -> None:
        """What waits may now go another way: it is decided on again soon."""
        self._queue.decide_again()

    async def stop(self, grace: float) -> None:
        """Take no more, give back what was not begun, and let what is under way end within `grace` seconds."""
        self._stopping = True
        self._hand.close()
        for held in self._intake.dismiss():
            self._give_back(held, held.claim)
        for destination in self._destinations.values():
            for job in destination.lane.dismiss():
                self._give_back(job.held, job.untried)
        lanes = [destination.lane for destination in self._destinations.values()]
        await asyncio.gather(self._intake.ended(timeout=grace), *[lane.ended(timeout=grace) for lane in lanes])
        await self._pool.close()

    # Deciding

    async def _sort(self, held: Held) -> None:
        await self._decide(held, held.claim)

    async def _decide(self, held: Held, claim: Claim) -> None:
        """Make jobs of a claim. An error leaves it in the queue: without a decision there is no attempt."""
        try:
            jobs = await self._sorter.jobs(held, claim)
        except asyncio.CancelledError:
            self._give_back(held, claim)
            raise
        except Exception:
            log.undecided(claim.message.id)
            self._give_back(held, claim, wait=_BROKEN_WAIT)
            return
        for job in jobs:
            self._dispatch(job)

    def _dispatch(self, job: Job) -> None:
        if self._stopping:
            self._give_back(job.held, job.untried)
            return
        destination = self._destination(job.destination)
        if destination.lane.waiting >= destination.limit:
            self._give_back(job.held, job.untried, wait=_CROWDED_WAIT)
        else:
            destination.lane.put(job)

    def _destination(self, name: str) -> Destination:
        destination = self._destinations.get(name)
        if destination is None:
            lane = Lane(
                self._deliver,
                partial(self._forget, name),
                width=self._options.concurrency,
                linger=self._options.linger,
            )
            destination = self._destinations[name] = Destination(lane, self._options)
        return destination

    def _forget(self, name: str) -> None:
        del self._destinations[name]

    # Delivering

    async def _deliver(self, job: Job) -> None:
        try:
            ended = await self._carrier.carry(job)
        except asyncio.CancelledError:
            self._give_back(job.held, job.untried)
            raise
        except Outdated:
            await self._decide(job.held, job.untried)
            return
        except Exception:
            log.broken(job)
            ended = self._carrier.stopped(job, _BROKEN)
        self._settle(job, ended)
        self._note(job.destination, answered=ended.answered)

    def _settle(self, job: Job, ended: Ended) -> None:
        """Settle it as it ended; where an error of ours prevents even that, as an error of ours."""
        done = partial(self._hand.done, job.held, len(job.recipients))
        try:
            self._settler.settle(ended, done)
        except Exception:
            log.broken(job)
            try:
                self._settler.settle(self._carrier.stopped(job, _BROKEN), done)
            except Exception:
                log.broken(job)
                self._give_back(job.held, job.untried, wait=_BROKEN_WAIT)

    def _note(self, name: str, *, answered: bool) -> None:
        """Remember whether the destination answers, and give back what is now too much for it."""
        destination = self._destinations.get(name)
        if destination is None:
            return
        destination.note(answered=answered)
        crowd = destination.lane.shed(destination.limit)
        for job in crowd:
            self._give_back(job.held, job.untried, wait=_CROWDED_WAIT)
        if crowd:
            log.crowded(name, len(crowd))

    def _give_back(self, held: Held, untried: Claim, *, wait: float = 0.0) -> None:
        self._queue.release(untried, due=self._clock.now() + wait if wait else 0.0)
        self._hand.done(held, len(untried.recipients))
