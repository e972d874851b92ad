"""A shard's queue.db as its store thread works on it: a batch of work is one transaction."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence, Parties
from percorso.ports.queue import Claim, Content, NewMessage, RecipientResult, StoreError
from percorso.store.content import InlineContent
from percorso.store.queue_id import ONE_SECOND, id_number, queue_id
from percorso.store.recovered import INTERRUPTED
from percorso.store.spool import Spool
from percorso.store.sqlite import codec, queue_sql
from percorso.store.sqlite.connection import Row, rows, transaction, value
from percorso.store.sqlite.evidence_writer import EvidenceWriter
from percorso.store.sqlite.work import Accept, DecideAgain, Outcome, Release, Seek, Settle, Work

_LEAVES: Final = (Status.DELIVERED, Status.FAILED)
_ROWS_PER_MESSAGE: Final = 4
"""How many due recipients are looked at for each message sought: most messages have fewer."""
_RECOVERED_AT_ONCE: Final = 500
"""Recipients in one transaction of the recovery."""

_log = logging.getLogger("percorso.store")


class ShardDatabase:
    """One connection, used by one thread at a time."""

    def __init__(self, connection: apsw.Connection, spool: Spool, *, chain: str) -> None:
        self.path = Path(connection.filename)
        self._connection = connection
        self._spool = spool
        self._evidence = EvidenceWriter(connection, chain)
        self._spooled: set[int] = set()  # spooled messages that were handed to delivery
        self.high_id: int = value(connection, queue_sql.SELECT_HIGH_ID)
        """No id above this one was given out before the opening."""
        self._data_version = 0
        self._next_due: float | None = None
        self._due_is_stale = True

    def apply(self, batch: Sequence[Work], now: float) -> Outcome:
        """Do all of the batch in one transaction, durable on return; on an error nothing of it is done."""
        outcome = Outcome()
        with self._undone_together(), transaction(self._connection):
            self._accept([work for work in batch if isinstance(work, Accept)], outcome, now)
            settled = self._settle([work for work in batch if isinstance(work, Settle)], outcome, now)
            self._release([work for work in batch if isinstance(work, Release)])
            for work in batch:
                if isinstance(work, DecideAgain):
                    self._decide_again(work, outcome, now)
            for work in batch:
                if isinstance(work, Seek):
                    self._seek(work, outcome, now)
        self._unspool(settled)
        return outcome

    def recover(self, *, node: str, now: float) -> int:
        """Record every claim found as uncertain and queue it again; returns how many. For right after the opening."""
        found = 0
        after = (-1, -1)
        while claimed := rows(self._connection, queue_sql.CLAIMED_RECIPIENTS, (*after, _RECOVERED_AT_ONCE)):
            with self._undone_together(), transaction(self._connection):
                self._evidence.append([codec.read_interrupted(row).evidence(node, now) for row in claimed])
                requeued = [(now, INTERRUPTED, message, number) for message, number, *_ in claimed]
                self._connection.executemany(queue_sql.REQUEUE_RECIPIENT, requeued)
            found += len(claimed)
            after = claimed[-1][:2]
        return found

    def next_due(self) -> float | None:
        """When the next queued recipient is due; None where none is queued."""
        if self._due_is_stale:
            with suppress(apsw.Error):  # what was known last is near enough until the next look
                self._next_due = value(self._connection, queue_sql.NEXT_DUE)
                self._due_is_stale = False
        return self._next_due

    def notice_changes(self) -> None:
        """Take notice if another process changed the queue."""
        with suppress(apsw.Error):
            version: int = self._connection.pragma("data_version")
            if version != self._data_version:
                self._data_version = version
                self._due_is_stale = True

    def empty(self) -> bool:
        """Whether nothing is left in the queue, as far as can be seen."""
        with suppress(apsw.Error):
            return not value(self._connection, queue_sql.ANY_RECIPIENT)
        return False

    def forget(self, message: NewMessage, failure: StoreError) -> None:
        """Drop the spooled content of a message that was not accepted, to give a full disk its room back.

        After any other failure the commit may still be found in the log after a crash: then the file stays, and if it
        is an orphan the next opening removes it.
        """
        if failure.full:
            self._spool.drop(message.content)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def _undone_together(self) -> Iterator[None]:
        """The end of the chain and the highest id in memory follow what became of the transaction."""
        high_id = self.high_id
        try:
            yield
        except BaseException:
            self._evidence.undo()
            self.high_id = high_id
            raise
        self._evidence.commit()

    def _accept(self, work: list[Accept], outcome: Outcome, now: float) -> None:
        self._insert([(accept.message, accept.claim) for accept in work], outcome, now)
        outcome.accepted += work

    def _insert(self, messages: list[tuple[NewMessage, bool]], outcome: Outcome, now: float) -> None:
        if not messages:
            return
        message_rows: list[Row] = []
        recipient_rows: list[Row] = []
        for message, claim in messages:
            number = id_number(message.id)
            message_rows.append(codec.message_row(number, message))
            sender = codec.sender_key(message.envelope)
            state = (queue_sql.CLAIMED if claim else queue_sql.QUEUED, now)
            self._due_is_stale |= not claim
            for place, recipient in enumerate(message.recipients):
                recipient_rows.append(codec.recipient_row(number, place, recipient, sender, state))
            if claim:
                self._hand_out(number, codec.new_claim(message), outcome)
        queue_sql.INSERT_MESSAGES.run(self._connection, message_rows)
        queue_sql.INSERT_RECIPIENTS.run(self._connection, recipient_rows)
        highest = max(row[0] for row in message_rows)
        if highest > self.high_id:
            self.high_id = highest + ONE_SECOND
            self._connection.execute(queue_sql.RAISE_HIGH_ID, (self.high_id,))

    def _settle(self, work: list[Settle], outcome: Outcome, now: float) -> list[int]:
        """Returns the messages of which recipients left."""
        if not work:
            return []
        leaving: list[Row] = []
        staying: list[Row] = []
        attempts: list[tuple[Evidence, Parties]] = []
        for settle in work:
            number = id_number(settle.settlement.message_id)
            for result in settle.settlement.results:
                attempts.append((result.evidence, result.parties))
                if result.status in _LEAVES:
                    leaving.append((number, result.number))
                else:
                    staying.append((*_kept_columns(result), number, result.number))
        queue_sql.DELETE_RECIPIENTS.run(self._connection, leaving)
        if staying:
            self._due_is_stale = True
            self._connection.executemany(queue_sql.KEEP_RECIPIENT, staying)
        left = list({row[0] for row in leaving})
        queue_sql.DELETE_MESSAGES.run(self._connection, [(number,) for number in left])
        self._evidence.append(attempts)
        notices = [(notice, settle.claim) for settle in work for notice in settle.settlement.notices]
        self._insert(notices, outcome, now)
        outcome.settled += work
        return left

    def _release(self, work: list[Release]) -> None:
        released = [(work.due, id_number(work.message_id), number) for work in work for number in work.numbers]
        if released:
            self._due_is_stale = True
            self._connection.executemany(queue_sql.RELEASE_RECIPIENT, released)

    def _decide_again(self, work: DecideAgain, outcome: Outcome, now: float) -> None:
        found = rows(self._connection, queue_sql.TO_DECIDE_AGAIN, (*work.after, work.limit))
        if found:
            self._due_is_stale = True
            self._connection.executemany(queue_sql.MAKE_DUE, [(now, *place) for place in found])
        outcome.decided_again = found[-1] if len(found) == work.limit else None

    def _seek(self, seek: Seek, outcome: Outcome, now: float) -> None:
        outcome.sought += seek.limit
        self._due_is_stale = True
        due = rows(self._connection, queue_sql.DUE_MESSAGES, (now, seek.limit * _ROWS_PER_MESSAGE))
        for number in list(dict.fromkeys(row[0] for row in due))[: seek.limit]:
            recipients = rows(self._connection, queue_sql.CLAIM_RECIPIENTS, (number, now))
            try:
                claim = self._read_claim(number, recipients)
            except codec.UNREADABLE as error:  # else this one would keep all others waiting
                _log.error("%s: held, it cannot be read: %s", queue_id(number), error)
                held = [(f"it cannot be read: {error}", number, row[0]) for row in recipients]
                self._connection.executemany(queue_sql.HOLD_UNREADABLE, held)
            else:
                self._hand_out(number, claim, outcome)

    def _read_claim(self, number: int, recipients: list[Row]) -> Claim:
        (found,) = rows(self._connection, queue_sql.SELECT_MESSAGE, (number,))
        accepted_at, size, meta, inline = found
        content: Content = self._spool.open(number, size) if inline is None else InlineContent(inline)
        return Claim(
            message=codec.read_message(number, accepted_at, meta, content),
            recipients=tuple(sorted(map(codec.read_recipient, recipients), key=lambda one: one.number)),
        )

    def _hand_out(self, number: int, claim: Claim, outcome: Outcome) -> None:
        outcome.claims.append(claim)
        if claim.message.content.inline is None:
            self._spooled.add(number)

    def _unspool(self, settled: list[int]) -> None:
        """Remove the files of spooled messages that are gone; the transaction that removed them is durable."""
        spooled = self._spooled.intersection(settled)
        if not spooled:
            return
        try:
            gone = spooled - self.existing(list(spooled))
        except apsw.Error:  # the next opening removes them
            return
        for number in gone:
            self._spool.remove(number)
        self._spooled -= gone

    def existing(self, numbers: list[int]) -> set[int]:
        """Which of the messages are in the queue."""
        found = queue_sql.EXISTING_MESSAGES.run(self._connection, [(number,) for number in numbers])
        return {row[0] for row in found}


def _kept_columns(result: RecipientResult) -> Row:
    """The columns that `KEEP_RECIPIENT` sets, in its order."""
    state = queue_sql.HELD if result.status is Status.HELD else queue_sql.QUEUED
    reply, failure = str(result.reply), result.evidence.failure
    return (
        state, result.next_attempt, result.insecure_since, int(result.warned), result.lost_host, reply, failure
    )  # fmt: skip
