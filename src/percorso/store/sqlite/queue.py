"""One worker's queue over SQLite: its own shard, and those that it adopted.

Everything here runs on the event loop; the shards' store threads do the work, and report once per commit. How much
room delivery has is reckoned here: room that was promised to work under way counts as taken.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from percorso.ports.clock import Clock
from percorso.ports.queue import Claim, Consumer, ContentWriter, NewMessage, Settlement, StoreError
from percorso.store.files import FILES, Files
from percorso.store.queue_id import IdSource, id_number
from percorso.store.sqlite.adoption import Adoption
from percorso.store.sqlite.held import Held
from percorso.store.sqlite.shard import Shard, take_own_shard
from percorso.store.sqlite.work import Accept, Outcome, Release, Settle

MAX_SOUGHT: Final = 64
"""Messages claimed from the disk in one commit: at most 16 MiB of content."""
BUSY_WORK: Final = 2048
BUSY_OCTETS: Final = 64 * 1024 * 1024
"""Work and content waiting for a commit, from which on reception ought to pause."""
SPOOL_THREADS: Final = 4
"""Large messages whose content is made durable at the same time."""
CLOSE_SECONDS: Final = 10.0
"""How long closing waits for what cannot be stored; the next opening recovers it."""
_PAUSE: Final = 1.0
"""Seconds between tries to put a notice's content on stable storage."""


class SqliteQueue:
    """`Queue` over SQLite; use `open_worker_queue`."""

    def __init__(self, own: Shard, adoption: Adoption, *, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._consumer: Consumer | None = None
        self._promised = 0  # claims under way, for which room is kept
        self._waiting = 0  # acceptances and settlements under way
        self._octets = 0  # of content, under way
        self._foreign: dict[str, tuple[Held, set[int]]] = {}  # claimed messages of adopted shards
        self._quiet = asyncio.Event()
        self._closing = False
        self._committed: Callable[[int, float], None] = lambda _work, _seconds: None
        self._spool_threads = ThreadPoolExecutor(SPOOL_THREADS, thread_name_prefix="spool")
        self._ids = IdSource(own.number, clock, above=own.database.high_id)
        self._own = Held(own, clock=clock, loop=loop, report=self._take_up, adopted=False)
        self._held = [self._own]
        self._adoption = adoption
        adoption.start(own.number, self._adopt)

    def attach(self, consumer: Consumer) -> None:
        """Where claims go."""
        self._consumer = consumer
        self.wake()

    def watch(self, committed: Callable[[int, float], None]) -> None:
        """Have each commit told: how much work it did, and its seconds."""
        self._committed = committed

    def compose(self) -> ContentWriter:
        """Begin a message: gives it its queue id."""
        return self._own.shard.spool.compose(self._ids.next())

    def accept(self, message: NewMessage, done: Callable[[StoreError | None], None]) -> None:
        """Keep the message; `done(None)` on the event loop once it is on stable storage."""
        if self._closing:
            self._loop.call_soon(done, StoreError("the node is stopping: nothing more is accepted"))
            return
        self._waiting += 1
        self._octets += message.content.size
        work = Accept(message=message, done=done, claim=self._promise(1))
        if message.content.inline is not None:
            self._own.put(work)
        else:
            self._spool_threads.submit(self._keep_and_accept, work)

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        """End an attempt; tried again by itself until it is on stable storage, then `done()`."""
        self._waiting += 1
        notices = settlement.notices
        held = self._holder(settlement.message_id, [result.number for result in settlement.results])
        work = Settle(settlement=settlement, done=done, claim=bool(notices) and self._promise(len(notices)))
        if all(notice.content.inline is not None for notice in notices):
            held.put(work)
        else:
            self._spool_threads.submit(self._keep_and_settle, held, work)

    def release(self, claim: Claim, *, due: float = 0.0) -> None:
        """Give recipients back that were not tried, without evidence."""
        numbers = tuple(recipient.number for recipient in claim.recipients)
        held = self._holder(claim.message.id, numbers)
        held.put(Release(message_id=claim.message.id, numbers=numbers, due=due or self._clock.now()))

    def wake(self) -> None:
        """Delivery has room again: claim what is due."""
        for held in self._held:
            self._seek(held)

    def decide_again(self) -> None:
        """The settings changed: what they may concern is due soon, a portion each second."""
        for held in self._held:
            held.decide_again()

    @property
    def busy(self) -> bool:
        """Whether so much waits for a commit that reception ought to pause reading."""
        return self._waiting >= BUSY_WORK or self._octets >= BUSY_OCTETS

    async def close(self) -> None:
        """Commit what waits, give back claims that were not handed out yet, and close.

        Claims that delivery neither settled nor released stay: whether they were tried only the next opening can
        record, as uncertain.
        """
        self._closing = True
        self._adoption.stop()
        self._note_quiet()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), CLOSE_SECONDS)
        self._spool_threads.shutdown(wait=False)
        for held in list(self._held):
            held.stop()
            await held.stopped.wait()

    def _free(self) -> int:
        """How many claims delivery takes beyond those under way."""
        if self._consumer is None or self._closing:
            return 0
        return self._consumer.room() - self._promised

    def _promise(self, claims: int) -> bool:
        """Keep room for claims, if there is."""
        if self._free() < claims:
            return False
        self._promised += claims
        return True

    def _seek(self, held: Held) -> None:
        """Have a shard claim what is due. Half of the room is left to what arrives, so that old mail does not
        hold up the new."""
        if held.next_due is None or held.seeking or held.stopping or held.next_due > self._clock.now():
            return
        limit = min((self._free() + 1) // 2, MAX_SOUGHT)
        if limit > 0:
            self._promised += limit
            held.seek(limit)

    def _take_up(self, held: Held, outcome: Outcome) -> None:
        """What a commit did. Room stays promised until the claims are handed out: callbacks may accept anew."""
        if outcome.work:
            self._committed(outcome.work, outcome.seconds)
        promised = outcome.sought
        for accept in outcome.accepted:
            promised += accept.claim
            self._end_accept(accept, None)
        for accept, failure in outcome.refused:
            promised += accept.claim
            self._end_accept(accept, failure)
        for settle in outcome.settled:
            promised += len(settle.settlement.notices) if settle.claim else 0
            self._waiting -= 1
            self._call(settle.done)
        self._promised -= promised
        if outcome.claims:
            self._hand_out(held, outcome.claims)
        if outcome.stopped:
            self._held.remove(held)
            self._adoption.gave_up(held.shard.number)
        elif outcome.empty:
            held.stop()
        self._seek(held)
        self._note_quiet()

    def _end_accept(self, accept: Accept, failure: StoreError | None) -> None:
        self._waiting -= 1
        self._octets -= accept.message.content.size
        self._call(accept.done, failure)

    def _hand_out(self, held: Held, claims: list[Claim]) -> None:
        if held is not self._own:
            for claim in claims:
                _, numbers = self._foreign.setdefault(claim.message.id, (held, set()))
                numbers.update(recipient.number for recipient in claim.recipients)
        if self._consumer is None or self._closing:
            for claim in claims:
                self.release(claim)
        else:
            self._call(self._consumer.take, claims)

    def _holder(self, message_id: str, numbers: "list[int] | tuple[int, ...]") -> Held:
        """The shard that a claimed message is in; its recipients of these numbers are claimed no more."""
        if not self._foreign or message_id not in self._foreign:
            return self._own
        held, claimed = self._foreign[message_id]
        claimed.difference_update(numbers)
        if not claimed:
            del self._foreign[message_id]
        return held

    def _adopt(self, shard: Shard) -> None:
        self._held.append(Held(shard, clock=self._clock, loop=self._loop, report=self._take_up, adopted=True))

    def _note_quiet(self) -> None:
        if self._closing and not self._waiting and not self._promised:
            self._quiet.set()

    def _keep_and_accept(self, work: Accept) -> None:
        """In a thread: content first, then the row."""
        try:
            self._own.shard.spool.keep(work.message.content, id_number(work.message.id))
        except Exception as error:
            self._own.shard.spool.drop(work.message.content)
            failure = error if isinstance(error, StoreError) else StoreError(f"cannot keep the content: {error}")
            self._loop.call_soon_threadsafe(self._take_up, self._own, Outcome(refused=[(work, failure)]))
        else:
            self._own.put(work)

    def _keep_and_settle(self, held: Held, work: Settle) -> None:
        """In a thread: the content of notices first. A settlement is never lost, so this goes on until it works."""
        for notice in work.settlement.notices:
            while notice.content.inline is None:
                try:
                    held.shard.spool.keep(notice.content, id_number(notice.id))
                    break
                except StoreError:
                    time.sleep(_PAUSE)
        held.put(work)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        """Call back; an error there is the loop's to report, and does not stop the others."""
        try:
            function(*arguments)
        except Exception as error:
            self._loop.call_exception_handler({"message": "a callback of the queue failed", "exception": error})


def open_worker_queue(
    data_dir: Path, *, node: str, clock: Clock, loop: asyncio.AbstractEventLoop, files: Files = FILES
) -> SqliteQueue:
    """Take the first shard that nobody holds (or make a new one), recover it, and be ready to accept.

    Call it in the worker's own process, after any fork: SQLite connections and threads do not survive one.
    Returns at once; what is accepted before the recovery has ended waits for it. Adopts abandoned shards from then on.
    Raises `StoreError` where the data directory cannot be used; the message says what to do.
    """
    own = take_own_shard(data_dir, node=node, clock=clock, files=files)
    adoption = Adoption(data_dir, node=node, clock=clock, loop=loop, files=files)
    return SqliteQueue(own, adoption, clock=clock, loop=loop)
