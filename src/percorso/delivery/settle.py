"""Settle a job: status, retry, notices and evidence of each recipient, in one transaction of the queue.

1. A deferral whose time is up is a failure; so is an uncertain one, which else would go out for ever.
2. A failure is told to the sender in the same transaction. Where nobody can be told (the null sender), the recipient is
   held for an operator instead: nothing that was accepted disappears.
3. If the notice of a failure cannot be stored, the failure is a deferral.
4. A delay is told once for each recipient, and a delivery only where the sender asked for it and the next server does
   not take that over.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from percorso.core.delivery.outcome import Answered, Status
from percorso.core.delivery.report import Kind, wants
from percorso.core.delivery.retry import expires_at, next_attempt, warns_at
from percorso.core.mail.reply import Reply
from percorso.delivery import log
from percorso.delivery.ended import Ended
from percorso.delivery.job import Job
from percorso.delivery.notice import Fallen, notice_of
from percorso.delivery.options import DeliveryOptions
from percorso.ports.queue import NewMessage, Queue, RecipientResult, Settlement, StoreError

_AGAIN: Final = 300.0  # seconds until what could not be told is tried again
_WAITS: Final = (Status.DEFERRED, Status.UNCERTAIN)
_TOLD_AS: Final = {Kind.FAILED: (Status.FAILED,), Kind.DELAYED: _WAITS, Kind.RELAYED: (Status.DELIVERED,)}


class _Fate(msgspec.Struct, frozen=True, kw_only=True):
    status: Status
    reply: Reply
    next_attempt: float = 0.0
    latest: float = 0.0
    warned: bool = False


class Settler:
    """Ends jobs in the queue."""

    def __init__(self, queue: Queue, options: DeliveryOptions) -> None:
        self._queue = queue
        self._options = options

    def settle(self, ended: Ended, done: Callable[[], None]) -> None:
        """End the job; `done` is called once that is on stable storage."""
        fates = [_fate(ended, index) for index in range(len(ended.job.recipients))]
        notices: list[NewMessage] = []
        for kind in _TOLD_AS:
            if places := _to_be_told(kind, ended, fates):
                fates, notice = self._told(kind, ended, fates, places)
                notices += [notice] if notice is not None else []
        results = tuple([_result(ended, index, fate) for index, fate in enumerate(fates)])
        for index, fate in enumerate(fates):
            log.settled(ended, index, fate.status, fate.reply)
        settlement = Settlement(message_id=ended.job.message.id, results=results, notices=tuple(notices))
        self._queue.settle(settlement, done)

    def _told(
        self, kind: Kind, ended: Ended, fates: list[_Fate], places: list[int]
    ) -> tuple[list[_Fate], NewMessage | None]:
        """The fates once the sender is told of those at the places, and how."""
        if ended.job.message.envelope.sender is None:
            return _changed(fates, places, status=Status.HELD), None
        fallen = [Fallen(index=at, reply=fates[at].reply, retry_until=fates[at].latest) for at in places]
        try:
            notice = notice_of(kind, ended, fallen, self._queue, self._options)
        except StoreError as error:
            if kind is not Kind.FAILED:
                return fates, None
            reply = Reply(code=451, enhanced="4.3.1", text=f"the notice to the sender cannot be stored: {error}")
            due = ended.at + _AGAIN
            return _changed(fates, places, status=Status.DEFERRED, reply=reply, next_attempt=due), None
        return (_changed(fates, places, warned=True) if kind is Kind.DELAYED else fates), notice


def overdue(job: Job, now: float) -> bool:
    """Whether the time of a recipient is up, or the sender is to be told that it waits."""
    return any(at <= now for at in _deadlines(job))


def deadline(job: Job, now: float) -> float:
    """When the job will next be overdue, unix seconds; now, where it is so in every way."""
    return min((at for at in _deadlines(job) if at > now), default=now)


def _deadlines(job: Job) -> Iterator[float]:
    """The times at which something is to be done, though nothing was tried."""
    message = job.message
    yield message.accepted_at + job.settings.expiry
    for queued in job.recipients:
        if message.envelope.sender and not queued.warned and wants(queued.recipient, Kind.DELAYED):
            yield warns_at(accepted_at=message.accepted_at, insecure_since=0.0, secure_warning=0.0)


def _to_be_told(kind: Kind, ended: Ended, fates: list[_Fate]) -> list[int]:
    """The places of the recipients whose sender is to be told this; all failures, because some cannot be told."""
    places = [place for place, fate in enumerate(fates) if fate.status in _TOLD_AS[kind]]
    if not places or kind is Kind.FAILED:
        return places
    if kind is Kind.DELAYED:
        return [place for place in places if 0.0 < _warning(ended, place) <= ended.at]
    outcome = ended.last.outcome if ended.last else None
    if ended.job.message.envelope.sender is None or (isinstance(outcome, Answered) and outcome.offers_dsn):
        return []
    return [place for place in places if wants(ended.job.recipients[place].recipient, kind)]


def _changed(fates: list[_Fate], places: list[int], **changes: object) -> list[_Fate]:
    return [msgspec.structs.replace(fate, **changes) if index in places else fate for index, fate in enumerate(fates)]


def _fate(ended: Ended, index: int) -> _Fate:
    status, reply = ended.settle.results[index]
    if status not in _WAITS:
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
    warning = _warning(ended, index)
    due = next_attempt(
        queued.attempts + 1,
        ended.at,
        random.random(),  # noqa: S311  spreads load
        latest=min(latest, warning) if warning > ended.at else latest,
        insecure=insecure,
    )
    return _Fate(status=status, reply=reply, next_attempt=due, latest=latest, warned=queued.warned)


def _warning(ended: Ended, index: int) -> float:
    """When the sender is to be told that this recipient waits; 0 where that is not wanted, or done."""
    job = ended.job
    queued = job.recipients[index]
    if job.message.envelope.sender is None or queued.warned or not wants(queued.recipient, Kind.DELAYED):
        return 0.0
    return warns_at(
        accepted_at=job.message.accepted_at,
        insecure_since=_insecure_since(ended, index) if ended.settle.failure else 0.0,
        secure_warning=job.settings.secure_warning,
    )


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
        warned=fate.warned,
        lost_host=ended.lost_host,
        evidence=ended.evidence(index, fate.status, fate.reply),
        parties=ended.parties(index, fate.reply),
    )
