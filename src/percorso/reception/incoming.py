"""A message while it comes in: its content on the way to the queue, then its requirement, then the queue's word.

1. The Received field goes on top, so the queue id is known from the first octet on.
2. What the store cannot take is read away to its end and answered then; the client hears it once, at the right place.
3. The requirement is decided here, before the message is kept, and kept with each recipient.
"""

import logging
from collections.abc import Callable
from typing import Final

from percorso.core.mail.envelope import Arrival
from percorso.core.mail.reply import Reply
from percorso.core.policy.decide import decide
from percorso.core.policy.decision import Decision, Reason
from percorso.core.smtp.events import MessageReceived
from percorso.lookups.facts import MessageFacts
from percorso.ports.queue import Content, ContentWriter, NewMessage, NewRecipient, StoreError
from percorso.reception.received import received_field
from percorso.reception.service import Service

_log = logging.getLogger("percorso.reception")

_FULL: Final = Reply(code=452, enhanced="4.3.1", text="the mail store is full; try again later")
_FAILED: Final = Reply(code=451, enhanced="4.3.0", text="the mail store failed; try again later")


class Incoming:
    """One message of one connection; `protocol` is what was spoken, for the Received field."""

    __slots__ = ("_arrival", "_failure", "_service", "_writer")

    def __init__(self, service: Service, arrival: Arrival, *, protocol: str) -> None:
        self._service = service
        self._arrival = arrival
        self._failure: Reply | None = None
        self._writer: ContentWriter = service.queue.compose()
        self.write(
            received_field(
                arrival, by=service.name, protocol=protocol, queue_id=self._writer.id, now=service.clock.now()
            )
        )

    @property
    def id(self) -> str:
        """The queue id."""
        return self._writer.id

    def write(self, chunk: bytes) -> None:
        """A part of the content."""
        if self._failure is None:
            try:
                self._writer.write(chunk)
            except StoreError as error:
                self._fail(error)

    def discard(self) -> None:
        """The message is not to be: the client broke off, or its content was refused."""
        self._writer.discard()

    def accept(self, message: MessageReceived, answer: Callable[[Reply], None]) -> None:
        """Hand the message to the queue; `answer` is called once, with 250 only when it is kept."""
        try:
            if self._failure is None:
                self._hand_over(message, self._writer.finish(), answer)
        except StoreError as error:
            self._fail(error)
        if self._failure is not None:
            self._writer.discard()
            answer(self._failure)

    def _hand_over(self, message: MessageReceived, content: Content, answer: Callable[[Reply], None]) -> None:
        decisions = self._decide(message, content)
        looped = next((one.refusal for one in decisions if one.reason is Reason.MAIL_LOOP), None)
        if looped is not None:
            self._failure = looped
            return
        recipients = zip(message.recipients, decisions, strict=True)
        new = NewMessage(
            id=self._writer.id,
            envelope=message.envelope,
            recipients=tuple([NewRecipient(recipient=one, kept=decision.requirement) for one, decision in recipients]),
            arrival=self._arrival,
            accepted_at=self._service.clock.now(),
            content=content,
        )
        self._service.queue.accept(new, lambda error: answer(self._answer(error)))

    def _decide(self, message: MessageReceived, content: Content) -> list[Decision]:
        source = self._service.settings
        settings, now = source.current, self._service.clock.now()
        facts = MessageFacts(
            envelope=message.envelope, arrival=self._arrival, head=content.head(), size=content.size, source=source
        )
        return [decide(facts.of(one.address, now=now), settings) for one in message.recipients]

    def _answer(self, error: StoreError | None) -> Reply:
        if error is None:
            return Reply(code=250, enhanced="2.0.0", text=f"queued as {self._writer.id}")
        self._writer.discard()
        return self._fail(error)

    def _fail(self, error: StoreError) -> Reply:
        _log.error("%s: not accepted: %s", self._writer.id, error)
        self._failure = _FULL if error.full else _FAILED
        return self._failure
