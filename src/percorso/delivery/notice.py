"""A notice to the sender as a message of ours, under the requirement of what it reports."""

import secrets
from functools import reduce

from percorso.core.delivery.dsn import FailedRecipient, Letterhead, Report, failed_notice
from percorso.core.delivery.outcome import Answered
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import OPPORTUNISTIC, Requirement
from percorso.delivery.ended import Ended
from percorso.delivery.options import DeliveryOptions
from percorso.ports.queue import NewMessage, NewRecipient, Queue


def failure_notice(
    ended: Ended, failed: list[tuple[int, Reply]], queue: Queue, options: DeliveryOptions
) -> NewMessage | None:
    """The notice of the job's failed recipients, by their places; None where nobody is to be told.

    Raises `StoreError` where the spool cannot take it.
    """
    message = ended.job.message
    if message.envelope.sender is None:
        return None
    report = Report(
        queue_id=message.id,
        envelope=message.envelope,
        accepted_at=message.accepted_at,
        head=message.content.head(),
        failed=tuple([_reported(ended, index, reply) for index, reply in failed]),
    )
    text = failed_notice(report, _letterhead(options, ended.at))
    if text is None:
        return None
    writer = queue.compose()
    writer.write(text)
    return NewMessage(
        id=writer.id,
        envelope=Envelope(
            sender=None,
            eight_bit=not text.isascii(),
            smtputf8=message.envelope.sender.needs_smtputf8,
            requiretls=message.envelope.requiretls,  # RFC 8689, 4.2
        ),
        recipients=(
            NewRecipient(
                recipient=EnvelopeRecipient(address=message.envelope.sender),
                kept=_inherited(ended, [index for index, _ in failed]),
            ),
        ),
        arrival=Arrival(client="", helo=options.hello_name, listener=""),
        accepted_at=ended.at,
        content=writer.finish(),
        report_of=message.id,
    )


def _reported(ended: Ended, index: int, reply: Reply) -> FailedRecipient:
    last = ended.last
    return FailedRecipient(
        recipient=ended.job.recipients[index].recipient,
        reply=reply,
        requirement=ended.job.decisions[index].requirement,
        failure=ended.settle.failure,
        server=ended.settle.server,
        server_replied=last is not None and isinstance(last.outcome, Answered),
        last_attempt=ended.at,
    )


def _inherited(ended: Ended, places: list[int]) -> Requirement:
    """What the sender's servers can prove of what the recipients' had to."""
    requirements = (ended.job.decisions[index].requirement.transferred() for index in places)
    return reduce(Requirement.both, requirements, OPPORTUNISTIC)


def _letterhead(options: DeliveryOptions, now: float) -> Letterhead:
    token = secrets.token_hex(12)
    return Letterhead(
        reporting_mta=options.hello_name, message_id=f"<{token}@{options.hello_name}>", boundary=token, date=now
    )
