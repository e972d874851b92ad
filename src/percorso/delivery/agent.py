"""The delivery agent: takes claims from the queue and sees every recipient of them to a settlement.

1. A claim is decided on (`sort.py`), which makes jobs of it; each goes into the lane of its destination.
2. A lane has a few workers. A worker carries a job through its plan (`carry.py`) and settles it (`settle.py`). Where
   the settings changed before MAIL, the job is decided on again instead.
3. What was taken is settled or given back, whatever happens: an error of ours defers, a stop gives back.
4. What a destination cannot take now goes back to the queue until its turn (`destination.py`), and so does what one
   sender has in hand beyond its share: a dead or slow destination, or somebody's flood, does not delay others.
"""

import asyncio
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Final

from percorso.core.mail.reply import Reply
from percorso.core.policy.settings import Settings
from percorso.core.settings.rate import Rate
from percorso.delivery import log
from percorso.delivery.carry import Carrier
from percorso.delivery.destination import TURNS, Destination
from percorso.delivery.ended import Ended
from percorso.delivery.hand import Held, WorkInHand
from percorso.delivery.job import Job
from percorso.delivery.lane import Lane
from percorso.delivery.options import DeliveryOptions
from percorso.delivery.pool import ConnectionPool
from percorso.delivery.send import Outdated, Sender
from percorso.delivery.settle import Settler, deadline, overdue
from percorso.delivery.sign import Signer
from percorso.delivery.sort import Sorter
from percorso.lookups.route import Router
from percorso.ports.clock import Clock
from percorso.ports.dialer import Dialer
from percorso.ports.queue import Claim, Queue
from percorso.ports.settings import SettingsSource

_SORTERS: Final = 50  # claims decided on at once; they wait only for published policies
_LOOK: Final = 1.0  # seconds between looks at the destinations
_BROKEN_WAIT: Final = 60.0  # seconds until what met an error of ours is due again
_BROKEN: Final = Reply(code=451, enhanced="4.3.0", text="internal error; the log of this node has the trace")


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
        sender = Sender(dialer, self._pool, options, settings)
        self._carrier = Carrier(router, sender, Signer(options.secret, clock), clock, options.node)
        self._settler = Settler(queue, options)
        self._intake: Lane[Held] = Lane(self._sort, width=_SORTERS, linger=options.linger)
        self._destinations: dict[str, Destination] = {}
        self._floods: dict[Hashable, float] = {}
        """By sender: the last turn given to what exceeds its share."""
        self._looks: asyncio.TimerHandle | None = None
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
        """What waits may now go another way, and hosts be repaired: it is decided on again soon."""
        for destination in self._destinations.values():
            destination.forgive()
        self._queue.decide_again()

    async def stop(self, grace: float) -> None:
        """Take no more, give back what was not begun, and let what is under way end within `grace` seconds."""
        self._stopping = True
        self._hand.close()
        if self._looks:
            self._looks.cancel()
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
            self._give_back(held, claim, due=self._clock.now() + _BROKEN_WAIT)
            return
        for job in jobs:
            self._dispatch(job)

    def _dispatch(self, job: Job) -> None:
        if self._stopping:
            self._give_back(job.held, job.untried)
            return
        now, free = self._clock.now(), self._hand.room()
        destination = self._destination(job)
        turn = self._turn_in_flood(job, destination, now, free) or destination.turn(job, now, free=free)
        if not turn:
            destination.lane.put(job)
        elif not overdue(job, now):
            self._put_off(job, turn, now)
        elif destination.unreachable and destination.silence:
            self._settle(job, self._carrier.stopped(job, destination.silence))
        else:
            destination.lane.put(job)

    def _turn_in_flood(self, job: Job, destination: Destination, now: float, free: int) -> float:
        """The turn of what one sender has in hand beyond the room that it leaves to others; 0 where it does not."""
        if self._hand.share(job.owner) <= max(free, self._options.max_claims // 10) or destination.quick:
            return 0.0
        turn = max(now + _LOOK, self._floods.get(job.owner, 0.0) + 1.0 / TURNS)
        self._floods[job.owner] = turn
        return turn

    def _destination(self, job: Job) -> Destination:
        name = job.destination
        destination = self._destinations.get(name)
        if destination is None:
            options = self._options
            lane = Lane(self._deliver, width=options.concurrency, linger=options.linger, owner=lambda job: job.owner)
            rate = _rate(job, options)
            destination = self._destinations[name] = Destination(lane, concurrency=options.concurrency, rate=rate)
            if self._looks is None:
                self._looks = asyncio.get_running_loop().call_later(_LOOK, self._look)
        return destination

    def _look(self) -> None:
        """Take back what waits for slow destinations, and forget those that nothing is to be remembered of."""
        now = self._clock.now()
        for name, destination in list(self._destinations.items()):
            self._shed(name, destination.relieve(self._hand.room()))
            if destination.forgettable(now):
                del self._destinations[name]
        self._floods = {owner: turn for owner, turn in self._floods.items() if turn > now}
        again = self._destinations and not self._stopping
        self._looks = asyncio.get_running_loop().call_later(_LOOK, self._look) if again else None

    # Delivering

    async def _deliver(self, job: Job) -> None:
        try:
            ended = await self._carrier.carry(job)
        except asyncio.CancelledError:
            self._give_back(job.held, job.untried)
            raise
        except Outdated:
            self._abandon(job)
            await self._decide(job.held, job.untried)
            return
        except Exception:
            log.broken(job)
            self._abandon(job)
            self._settle(job, self._carrier.stopped(job, _BROKEN))
            return
        self._settle(job, ended)
        now = self._clock.now()
        if destination := self._destinations.get(job.destination):
            self._shed(job.destination, destination.note(ended, now, free=self._hand.room()))

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
                self._give_back(job.held, job.untried, due=self._clock.now() + _BROKEN_WAIT)

    def _abandon(self, job: Job) -> None:
        if destination := self._destinations.get(job.destination):
            destination.abandon()

    def _shed(self, name: str, crowd: list[Job]) -> None:
        """Give back what is too much for a destination."""
        now = self._clock.now()
        for job in crowd:
            self._put_off(job, self._destinations[name].put_off(now), now)
        if crowd:
            log.crowded(name, len(crowd))

    def _put_off(self, job: Job, turn: float, now: float) -> None:
        """Back to the queue until its turn, or until something is to be done about it anyway."""
        self._give_back(job.held, job.untried, due=min(turn, deadline(job, now)))

    def _give_back(self, held: Held, untried: Claim, *, due: float = 0.0) -> None:
        self._queue.release(untried, due=due)
        self._hand.done(held, len(untried.recipients))


def _rate(job: Job, options: DeliveryOptions) -> Rate | None:
    if not job.hops:
        return None
    hop = job.hops[0]
    if hop.host:
        return options.rates.get(str(hop))
    return options.rates.get(hop.domain) or options.rates.get("*")
