"""A queue that keeps the books: every claim handed out, and how each of its recipients came back."""

from collections.abc import Callable, Sequence

from percorso.core.evidence.record import Evidence
from percorso.ports.queue import (
    Claim,
    Consumer,
    ContentWriter,
    NewMessage,
    Queue,
    RecipientResult,
    Settlement,
    StoreError,
)

Key = tuple[str, int]  # queue id, recipient number


class Ledger:
    """The `Queue` port over another, and its `Consumer` before another."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._consumer: Consumer | None = None
        self.claimed: dict[Key, Claim] = {}
        """Recipients in the hands of delivery."""
        self.accepted: dict[str, NewMessage] = {}
        self.settled: list[tuple[NewMessage, RecipientResult]] = []
        self.released = 0
        self.wrong: list[str] = []
        """What ought never to happen."""

    # The consumer's side

    def room(self) -> int:
        assert self._consumer
        return self._consumer.room()

    def take(self, claims: Sequence[Claim]) -> None:
        assert self._consumer
        for claim in claims:
            for queued in claim.recipients:
                key = (claim.message.id, queued.number)
                if key in self.claimed:
                    self.wrong.append(f"{key} is claimed twice")
                self.claimed[key] = claim
        self._consumer.take(claims)

    # The queue's side

    def attach(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._queue.attach(self)

    def compose(self) -> ContentWriter:
        return self._queue.compose()

    def accept(self, message: NewMessage, done: Callable[[StoreError | None], None]) -> None:
        self.accepted[message.id] = message
        self._queue.accept(message, done)

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        for notice in settlement.notices:
            self.accepted[notice.id] = notice
        for result in settlement.results:
            self._back(settlement.message_id, result.number, "settled")
            self.settled.append((self.accepted[settlement.message_id], result))
        self._queue.settle(settlement, done)

    def release(self, claim: Claim, *, due: float = 0.0) -> None:
        for queued in claim.recipients:
            self.released += 1
            self._back(claim.message.id, queued.number, "released")
        self._queue.release(claim, due=due)

    def wake(self) -> None:
        self._queue.wake()

    def decide_again(self) -> None:
        self._queue.decide_again()

    @property
    def busy(self) -> bool:
        return self._queue.busy

    async def close(self) -> None:
        await self._queue.close()

    def _back(self, message_id: str, number: int, how: str) -> None:
        if self.claimed.pop((message_id, number), None) is None:
            self.wrong.append(f"{message_id}/{number} is {how}, but was not claimed")

    # What a test asks

    @property
    def results(self) -> list[RecipientResult]:
        return [result for _, result in self.settled]

    @property
    def evidence(self) -> list[Evidence]:
        return [result.evidence for result in self.results]

    def last(self, recipient: str) -> RecipientResult:
        """The newest result of this recipient."""
        return [result for result in self.results if result.parties.recipient == recipient][-1]
