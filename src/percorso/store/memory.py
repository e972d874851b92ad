"""The queue in memory: the same promises while the process lives, for tests and for the in-memory network.

What a restart would find is the `MemoryShard`: a second `MemoryQueue` on it recovers as from the disk.
"""

import asyncio
import heapq
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence, Parties
from percorso.ports.clock import Clock
from percorso.ports.queue import (
    Claim,
    Consumer,
    ContentWriter,
    NewMessage,
    QueuedMessage,
    QueuedRecipient,
    RecipientResult,
    Settlement,
    State,
    StoreError,
)
from percorso.store.content import InlineContent
from percorso.store.queue_id import IdSource, queue_id
from percorso.store.recovered import Interrupted

_Place = tuple[str, int]
"""Queue id and number of a recipient."""
_LEAVES: Final = (Status.DELIVERED, Status.FAILED)


class MemoryRecipient(msgspec.Struct, kw_only=True):
    """A recipient in the queue."""

    queued: QueuedRecipient
    state: State
    next_attempt: float
    settings_matter: bool = False
    """Secure transport failed, or a host was lost, in the last attempt."""


class MemoryShard:
    """What stands for stable storage: queue state and evidence."""

    def __init__(self) -> None:
        self.messages: dict[str, QueuedMessage] = {}
        self.recipients: dict[_Place, MemoryRecipient] = {}
        self.evidence: list[Evidence] = []
        self.parties: list[Parties] = []
        """Beside `evidence`, one for one."""
        self.high_id = 0
        """Ids up to this one were given out."""


class MemoryQueue:
    """`Queue` in memory: work is done together at the next turn of the event loop, as a commit would."""

    def __init__(self, shard: MemoryShard, *, node: str, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._shard = shard
        self._node = node
        self._clock = clock
        self._loop = loop
        self._consumer: Consumer | None = None
        self._work: list[Callable[[], None]] = []
        self._told: list[Callable[[], None]] = []
        self._claims: list[Claim] = []
        self._timer: asyncio.Handle | None = None
        self._closed = False
        self._ids = IdSource(0, clock, above=shard.high_id)
        self._numbers: dict[str, set[int]] = {}
        """By queue id: the numbers of the recipients in the queue."""
        self._due: list[tuple[float, _Place]] = []
        """A heap of what is queued by its time, and of what was so once."""
        self._recover()
        for message_id, number in shard.recipients:
            self._numbers.setdefault(message_id, set()).add(number)
            self._line_up((message_id, number))

    def attach(self, consumer: Consumer) -> None:
        """Where claims go."""
        self._consumer = consumer
        self.wake()

    def compose(self) -> ContentWriter:
        """Begin a message: gives it its queue id."""
        self._shard.high_id = self._ids.next()
        return _Writer(self._shard.high_id)

    def accept(self, message: NewMessage, done: Callable[[StoreError | None], None]) -> None:
        """Keep the message; `done(None)` on the event loop once it is kept."""
        if self._closed:
            self._loop.call_soon(done, StoreError("the node is stopping: nothing more is accepted"))
            return
        self._do(lambda: self._insert(message))
        self._told.append(lambda: done(None))

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        """End an attempt."""
        self._do(lambda: self._settle(settlement))
        self._told.append(done)

    def release(self, claim: Claim, *, due: float = 0.0) -> None:
        """Give recipients back that were not tried, without evidence."""
        self._do(lambda: self._release(claim, due or self._clock.now()))

    def wake(self) -> None:
        """Delivery has room again: claim what is due."""
        self._do(lambda: None)

    def decide_again(self) -> None:
        """The settings changed: what waits after a failure of secure transport, or must be secure, is due now."""
        self._do(self._make_due)

    @property
    def busy(self) -> bool:
        """Whether so much waits for a commit that reception ought to pause reading: never, here."""
        return False

    async def close(self) -> None:
        """Commit what waits, and end; what is claimed stays so."""
        self._commit()
        self._closed = True
        if self._timer:
            self._timer.cancel()

    def _do(self, work: Callable[[], None]) -> None:
        if self._closed:
            return
        if not self._work:
            self._loop.call_soon(self._commit)
        self._work.append(work)

    def _commit(self) -> None:
        if self._closed:
            return
        work, self._work = self._work, []
        told, self._told = self._told, []
        for act in work:
            act()
        self._claim_due()
        claims, self._claims = self._claims, []
        for tell in told:
            self._call(tell)
        if claims and self._consumer:
            self._consumer.take(claims)

    def _call(self, tell: Callable[[], None]) -> None:
        """Call back; an error there is the loop's to report, and does not stop the others."""
        try:
            tell()
        except Exception as error:
            self._loop.call_exception_handler({"message": "a callback of the queue failed", "exception": error})

    def _insert(self, message: NewMessage) -> None:
        self._shard.messages[message.id] = QueuedMessage(
            id=message.id,
            envelope=message.envelope,
            arrival=message.arrival,
            accepted_at=message.accepted_at,
            content=message.content,
            report_of=message.report_of,
        )
        for number, new in enumerate(message.recipients):
            queued = QueuedRecipient(number=number, recipient=new.recipient, kept=new.kept)
            recipient = MemoryRecipient(queued=queued, state="queued", next_attempt=self._clock.now())
            self._shard.recipients[message.id, number] = recipient
            self._line_up((message.id, number))
        self._numbers[message.id] = set(range(len(message.recipients)))

    def _line_up(self, place: _Place) -> None:
        """Have it claimed when it is due, if it is queued."""
        recipient = self._shard.recipients[place]
        if recipient.state == "queued":
            heapq.heappush(self._due, (recipient.next_attempt, place))

    def _next_due(self) -> float | None:
        """When the next is due; forgets what was claimed, left or was put off since it was lined up."""
        while self._due:
            at, place = self._due[0]
            recipient = self._shard.recipients.get(place)
            if recipient and recipient.state == "queued" and recipient.next_attempt == at:
                return at
            heapq.heappop(self._due)
        return None

    def _settle(self, settlement: Settlement) -> None:
        for result in settlement.results:
            place = (settlement.message_id, result.number)
            if result.status in _LEAVES:
                del self._shard.recipients[place]
                self._numbers[settlement.message_id].discard(result.number)
            else:
                _keep(self._shard.recipients[place], result)
                self._line_up(place)
            self._record(result.evidence, result.parties)
        if not self._numbers.get(settlement.message_id, True):
            del self._numbers[settlement.message_id]
            del self._shard.messages[settlement.message_id]
        for notice in settlement.notices:
            self._insert(notice)

    def _release(self, claim: Claim, due: float) -> None:
        for recipient in claim.recipients:
            with suppress(KeyError):
                kept = self._shard.recipients[claim.message.id, recipient.number]
                kept.state, kept.next_attempt = "queued", due
                self._line_up((claim.message.id, recipient.number))

    def _make_due(self) -> None:
        now = self._clock.now()
        for place, recipient in self._shard.recipients.items():
            concerned = recipient.settings_matter or not recipient.queued.kept.opportunistic
            if recipient.state == "queued" and concerned and recipient.next_attempt > now:
                recipient.next_attempt = now
                self._line_up(place)

    def _claim_due(self) -> None:
        """Claim what is due, the longest due first, while there is room."""
        if self._timer:
            self._timer.cancel()
        room = self._consumer.room() if self._consumer else 0
        now = self._clock.now()
        while (at := self._next_due()) is not None:
            if at > now:
                self._timer = self._loop.call_later(at - now, self.wake)
                break
            if room <= 0:
                break
            self._claim(self._due[0][1][0], now)
            room -= 1

    def _claim(self, message_id: str, now: float) -> None:
        """Claim the recipients of a message that are due."""
        places = [(message_id, number) for number in sorted(self._numbers[message_id])]
        queued = [one for one in map(self._shard.recipients.__getitem__, places) if one.state == "queued"]
        due = [one for one in queued if one.next_attempt <= now]
        for recipient in due:
            recipient.state = "claimed"
        recipients = tuple(recipient.queued for recipient in due)
        self._claims.append(Claim(message=self._shard.messages[message_id], recipients=recipients))

    def _recover(self) -> None:
        """Record every claim found as uncertain, and queue it again."""
        now = self._clock.now()
        for (message_id, _), recipient in self._shard.recipients.items():
            if recipient.state != "claimed":
                continue
            queued, message = recipient.queued, self._shard.messages[message_id]
            interrupted = Interrupted(
                message_id=message_id,
                envelope=message.envelope,
                arrival=message.arrival,
                accepted_at=message.accepted_at,
                size=message.content.size,
                address=queued.recipient.address,
                attempts=queued.attempts,
                requirement=queued.kept,
            )
            self._record(*interrupted.evidence(self._node, now))
            recipient.queued = msgspec.structs.replace(queued, attempts=queued.attempts + 1)
            recipient.state, recipient.next_attempt = "queued", now

    def _record(self, evidence: Evidence, parties: Parties) -> None:
        self._shard.evidence.append(evidence)
        self._shard.parties.append(parties)


class _Writer:
    """`ContentWriter`: all in memory, whatever the size."""

    def __init__(self, number: int) -> None:
        self.id = queue_id(number)
        self._content = bytearray()

    @property
    def size(self) -> int:
        """Octets written so far."""
        return len(self._content)

    def write(self, chunk: bytes) -> None:
        """Append."""
        self._content += chunk

    def finish(self) -> InlineContent:
        """The content."""
        return InlineContent(bytes(self._content))

    def discard(self) -> None:
        """Forget what was written."""
        self._content.clear()


def _keep(recipient: MemoryRecipient, result: RecipientResult) -> None:
    recipient.queued = msgspec.structs.replace(
        recipient.queued,
        attempts=recipient.queued.attempts + 1,
        insecure_since=result.insecure_since,
        warned=result.warned,
    )
    recipient.state = "held" if result.status is Status.HELD else "queued"
    recipient.next_attempt = result.next_attempt
    recipient.settings_matter = bool(result.evidence.failure or result.lost_host)
