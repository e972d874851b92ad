"""Messages, settlements and a delivery that only takes notes, for the store's tests."""

import asyncio
from collections.abc import Sequence
from typing import Any

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence, Parties
from percorso.core.mail.address import parse_address
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient, RecipientParameters
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import IdentityClause, Requirement, TlsVersion
from percorso.ports.queue import (
    Claim,
    NewMessage,
    NewRecipient,
    Queue,
    RecipientResult,
    Settlement,
    StoreError,
)

REQUIRED = Requirement(
    encrypted=True, min_version=TlsVersion.TLS_1_2, identity=(IdentityClause(ca=True, host=True, pins=("ab" * 32,)),)
)
ARRIVAL = Arrival(client="192.0.2.1", helo="client.corp.test", listener="127.0.0.1:2525", tls_version="1.3")
CONTENT = b"Subject: An offer\r\nFrom: a@corp.test\r\n\r\nHello.\r\n"
LIMIT = 10.0
"""Seconds that a test waits for what ought to come at once."""


class ManualClock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class Desk:
    """A consumer that takes claims and leaves the rest to the test."""

    def __init__(self, room: int = 100) -> None:
        self.free = room
        self.claims: list[Claim] = []
        self._taken = asyncio.Event()

    def room(self) -> int:
        return self.free

    def take(self, claims: Sequence[Claim]) -> None:
        self.claims += claims
        self.free -= len(claims)
        self._taken.set()

    async def next(self) -> Claim:
        """The next claim."""
        while not self.claims:
            self._taken.clear()
            await asyncio.wait_for(self._taken.wait(), LIMIT)
        return self.claims.pop(0)


def new_message(
    queue: Queue, *recipients: str, content: bytes = CONTENT, sender: str = "a@corp.test", **more: Any
) -> NewMessage:
    """A message with some content, to `bob@bank.test` where nobody is named."""
    writer = queue.compose()
    for start in range(0, len(content), 64 * 1024):
        writer.write(content[start : start + 64 * 1024])
    values: dict[str, Any] = {"arrival": ARRIVAL, "accepted_at": 1_800_000_000.0, "kept": REQUIRED, **more}
    kept = values.pop("kept")
    return NewMessage(
        id=writer.id,
        envelope=Envelope(sender=parse_address(sender) if sender else None, eight_bit=True, envid="QQ314159"),
        recipients=tuple(
            NewRecipient(
                recipient=EnvelopeRecipient(
                    address=parse_address(recipient), parameters=RecipientParameters(notify=("FAILURE",))
                ),
                kept=kept,
            )
            for recipient in recipients or ("bob@bank.test",)
        ),
        content=writer.finish(),
        **values,
    )


async def accept(queue: Queue, message: NewMessage) -> StoreError | None:
    """Accept a message and wait for the answer."""
    answer: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
    queue.accept(message, answer.set_result)
    return await asyncio.wait_for(answer, LIMIT)


async def keep(queue: Queue, *recipients: str, **more: Any) -> NewMessage:
    """A message that was accepted."""
    message = new_message(queue, *recipients, **more)
    assert await accept(queue, message) is None
    return message


def settlement(
    claim: Claim,
    status: Status = Status.DELIVERED,
    *,
    numbers: Sequence[int] | None = None,
    next_attempt: float = 0.0,
    notices: tuple[NewMessage, ...] = (),
) -> Settlement:
    """The end of an attempt for all recipients of the claim, or some."""
    code = {Status.DELIVERED: 250, Status.DEFERRED: 450, Status.FAILED: 550, Status.HELD: 550}.get(status, 0)
    failure = "starttls-not-supported" if status is Status.DEFERRED else ""
    results = tuple(
        RecipientResult(
            number=one.number,
            status=status,
            reply=Reply(code=code, text="so be it"),
            next_attempt=next_attempt,
            insecure_since=1_800_000_000.5 if failure else 0.0,
            evidence=Evidence(
                at=claim.message.accepted_at,
                node="mail1",
                queue_id=claim.message.id,
                attempt=one.attempts + 1,
                status=status,
                recipient_domain=one.recipient.address.domain,
                failure=failure,
                code=code,
            ),
            parties=Parties(
                sender=str(claim.message.envelope.sender or ""),
                recipient=str(one.recipient.address),
                salt=f"{claim.message.id}{one.number}{one.attempts}",
            ),
        )
        for one in claim.recipients
        if numbers is None or one.number in numbers
    )
    return Settlement(message_id=claim.message.id, results=results, notices=notices)


async def settle(queue: Queue, done: Settlement) -> None:
    """Settle, and wait until that is on stable storage."""
    stored = asyncio.Event()
    queue.settle(done, stored.set)
    await asyncio.wait_for(stored.wait(), LIMIT)


async def content_of(claim: Claim) -> bytes:
    """The whole content of a claimed message, as delivery streams it."""
    return b"".join([chunk async for chunk in claim.message.content.chunks()])


Fate = tuple[str, str, str]
"""Queue id, recipient and status of an attempt."""
