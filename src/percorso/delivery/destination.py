"""One destination: its lane, and what was learned of it.

1. Whether it can be reached: if not, mail for it waits in the queue, and one message at a time tries (`backoff.py`).
2. How many connections it takes at once (`window.py`).
3. Whether it is quick. What a slow one has no worker for soon goes back to the queue, so that its mail does not fill
   the room that others need; the share of each sender counts by itself.
4. How much it may be sent (`[delivery] rates`). What is over that has its turn later, in the order of arrival.

What goes back to the queue is given turns, one after the other, so that it does not come back all at once.
"""

from typing import Final

from percorso.core.access.rate import take
from percorso.core.delivery import backoff, window
from percorso.core.mail.reply import Reply
from percorso.core.settings.rate import Rate
from percorso.delivery.ended import Ended
from percorso.delivery.job import Job
from percorso.delivery.lane import Lane

TURNS: Final = 100.0
"""What was put off comes back at most so often in a second, for each destination."""
LONGEST_TURN: Final = 4 * 3600.0  # seconds
SLOW: Final = 2.0  # seconds that the next in the lane has waited
_CROWDED_WAIT: Final = 10.0  # seconds until what found its lane full is due again
_PROBE_WAIT: Final = 5.0  # seconds until what came while a probe is under way is due again
_REMEMBERED: Final = 3600.0  # seconds that what was learned is kept without use


class Destination:
    """Asked before a job enters its lane, and told how each ended."""

    def __init__(self, lane: Lane[Job], *, concurrency: int, rate: Rate | None) -> None:
        self.lane = lane
        self.silence: Reply | None = None
        """What stands for it while it cannot be reached."""
        self._concurrency = concurrency
        self._rate = rate
        self._backoff = backoff.REACHED
        self._window = window.Window()
        self._answered = False
        self._last_turn = 0.0
        self._used = 0.0
        self._until = 0.0  # of the rate: see `take`
        self._backlog = 0.0  # the last turn that was given because of the rate
        self._newest = ""  # the newest message that such a turn was given to
        lane.widen(self._window.width(concurrency))

    @property
    def width(self) -> int:
        """Connections that it takes now."""
        return self._window.width(self._concurrency)

    @property
    def quick(self) -> bool:
        """Whether it answers, and nothing waits long for it."""
        return self._answered and self.lane.delay <= SLOW

    @property
    def unreachable(self) -> bool:
        """Whether mail for it waits until a probe gets through."""
        return not self._backoff.open

    def forgettable(self, now: float) -> bool:
        """Whether nothing is under way, and nothing that was learned is of use any more."""
        learned = self._backoff != backoff.REACHED or self._window.threshold < self._concurrency
        kept_until = max(self._backlog, self._until, self._used + (_REMEMBERED if learned else 0.0))
        return self.lane.deserted and now > kept_until

    def turn(self, job: Job, now: float, *, free: int) -> float:
        """When the job may enter the lane, unix seconds: 0 is now. `free` is the room for other work in hand."""
        self._used = now
        waits = self.unreachable and not self._backoff.may_probe(now)
        if waits or self.crowded(job, free):
            return self.put_off(now)
        turn = self._turn_of_rate(job, now) if self._rate else 0.0
        if not turn and not self._backoff.open:
            self._backoff = backoff.begun(self._backoff)
        return turn

    def put_off(self, now: float) -> float:
        """A turn of its own for what cannot be taken now, behind those that were given before."""
        earliest = max(self._backoff.until, now + _PROBE_WAIT) if self.unreachable else now + _CROWDED_WAIT
        self._last_turn = min(max(earliest, self._last_turn + 1.0 / TURNS), max(earliest, now + LONGEST_TURN))
        return self._last_turn

    def crowded(self, job: Job, free: int) -> bool:
        """Whether the lane has enough of this sender's mail, or of all, for as slow as it is."""
        if self.quick:
            return False
        own, most = self.lane.count(job.owner), max(self.width, free // 2)
        if own >= (self.width if self._answered else most):
            return True
        return self.lane.waiting >= most and own >= most // self.lane.owners

    def note(self, ended: Ended, now: float, *, free: int) -> list[Job]:
        """A job has ended; returns jobs that are too many now."""
        answered = ended.reached
        self._answered = answered or (self._answered and self._backoff.open)
        self._backoff = backoff.after(self._backoff, answered=answered, now=now)
        if not answered:
            self.silence = ended.settle.results[0][1]
        if ended.too_much:
            self._window = window.halved(self._window, self._concurrency)
        elif answered:
            self._window = window.grown(self._window, self._concurrency)
        self.lane.widen(self.width)
        return self.lane.shed(0) if self.unreachable else self.relieve(free)

    def relieve(self, free: int) -> list[Job]:
        """Jobs that a slow destination has no worker for soon, and whose room others need."""
        return self.lane.shed(max(self.width, free // 2)) if self.lane.delay > SLOW else []

    def abandon(self) -> None:
        """A job has ended that tells nothing of the destination."""
        self._backoff = backoff.abandoned(self._backoff)

    def forgive(self) -> None:
        """There is reason to hope that it can be reached."""
        self._backoff = backoff.forgiven(self._backoff)

    def _turn_of_rate(self, job: Job, now: float) -> float:
        """When the rate has room for the job; messages that had to wait go before newer ones."""
        assert self._rate  # noqa: S101 (asked by `turn`)
        step = self._rate.seconds / self._rate.count
        new = job.message.id > self._newest
        if not (new and self._backlog > now):
            taken = take(self._rate, self._until, now if new else now + step)  # its turn may come a little early
            if not taken.wait:
                self._until = taken.until
                return 0.0
            self._backlog = max(self._backlog, now + taken.wait - step)
        self._backlog += step
        self._newest = max(self._newest, job.message.id)
        return self._backlog
