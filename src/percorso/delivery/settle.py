"""Settle a job: status, retry, notice and evidence of each recipient, in one transaction of the queue.

1. A deferral whose time is up is a failure; so is an uncertain one, which else would go out for ever.
2. A failure is told to the sender in the same transaction. Where nobody can be told (the null sender), the recipient is
   held for an operator instead: nothing that was accepted disappears.
3. If the notice cannot be stored, the failure is a deferral.
"""

import random
from collections.abc import Callable

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.core.delivery.retry import expires_at, next_attempt
from percorso.core.mail.reply import Reply
from percorso.delivery import log
from percorso.delivery.ended import Ended
from percorso.delivery.notice import failure_notice
from percorso.delivery.options import DeliveryOptions
from percorso.ports.queue import NewMessage, Queue, RecipientResult, Settlement, StoreError


class _Fate(msgspec.Struct, frozen=True, kw_only=True):
    status: Status
    reply: Reply
    next_attempt: float = 0.0


class Settler:
    """Ends jobs in the queue."""

    def __init__(self, queue: Queue, options: DeliveryOptions) -> None:
        self._queue = queue
        self._options = options

    def settle(self, ended: Ended, done: Callable[[], None]) -> None:
        """End the job; `done` is called once that is on stable storage."""
        fates = [_fate(ended, index) for index in range(len(ended.job.recipients))]
        failed = [(index, fate.reply) for index, fate in enumerate(fates) if fate.status is Status.FAILED]
        notice: NewMessage | None = None
        if failed:
            fates, notice = self._told(ended, fates, failed)
        results = tuple([_result(ended, index, fate) for index, fate in enumerate(fates)])
        for index, fate in enumerate(fates):
            log.settled(ended, index, fate.status, fate.reply)
        settlement = Settlement(
            message_id=ended.job.message.id, results=results, notices=(notice,) if notice is not None else ()
        )
        self._queue.settle(settlement, done)

    def _told(
        self, ended: Ended, fates: list[_Fate], failed: list[tuple[int, Reply]]
    ) -> tuple[list[_Fate], NewMessage | None]:
        """The fates once the sender is told of the failures, and how."""
        if ended.job.message.envelope.sender is None:
            return _instead(fates, failed, lambda fate: msgspec.structs.replace(fate, status=Status.HELD)), None
        try:
            return fates, failure_notice(ended, failed, self._queue, self._options)
        except StoreError as error:
            reply = Reply(code=451, enhanced="4.3.1", text=f"the notice to the sender cannot be stored: {error}")
            return _instead(fates, failed, lambda _: _later(ended, reply)), None


def _instead(fates: list[_Fate], failed: list[tuple[int, Reply]], change: Callable[[_Fate], _Fate]) -> list[_Fate]:
    places = {index for index, _ in failed}
    return [change(fate) if index in places else fate for index, fate in enumerate(fates)]


def _fate(ended: Ended, index: int) -> _Fate:
    status, reply = ended.settle.results[index]
    if status in (Status.DELIVERED, Status.FAILED):
        return _Fate(status=status, reply=reply)
    job = ended.job
    queued = job.recipients[index]
    insecure = ended.settle.failure is not None
    latest = expires_at(
        accepted_at=job.message.accepted_at,
        insecure_since=_insecure_since(ended, index) if insecure else 0.0,
        secure_expiry=job.settings.secure_expiry,
        expiry=job.settings.expiry,
    )
    if ended.at >= latest:
        return _Fate(status=Status.FAILED, reply=reply)
    due = next_attempt(
        queued.attempts + 1, ended.at, random.random(), latest=latest, insecure=insecure  # noqa: S311  spreads load
    )  # fmt: skip
    return _Fate(status=status, reply=reply, next_attempt=due)


def _later(ended: Ended, reply: Reply) -> _Fate:
    return _Fate(status=Status.DEFERRED, reply=reply, next_attempt=ended.at + 300.0)


def _insecure_since(ended: Ended, index: int) -> float:
    """When the first typed failure was seen, this one included; 0 for never."""
    return ended.job.recipients[index].insecure_since or (ended.at if ended.settle.failure else 0.0)


def _result(ended: Ended, index: int, fate: _Fate) -> RecipientResult:
    return RecipientResult(
        number=ended.job.recipients[index].number,
        status=fate.status,
        reply=fate.reply,
        next_attempt=fate.next_attempt,
        insecure_since=_insecure_since(ended, index),
        evidence=ended.evidence(index, fate.status, fate.reply),
        parties=ended.parties(index, fate.reply),
    )
