"""A notice to the sender as a message of ours, under the requirement of what it reports."""

import secrets
from collections.abc import Sequence
from functools import reduce

import msgspec

from percorso.core.delivery.dsn import write_notice
from percorso.core.delivery.outcome import Answered, Uncertain
from percorso.core.delivery.report import Kind, Letterhead, Report, Reported
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import OPPORTUNISTIC, Requirement
from percorso.delivery.ended import Ended
from percorso.delivery.options import DeliveryOptions
from percorso.ports.queue import NewMessage, NewRecipient, Queue


class Fallen(msgspec.Struct, frozen=True, kw_only=True):
    """One of the job's recipients that the sender is to be told of."""

    index: int
    reply: Reply
    retry_until: float = 0.0


def notice_of(
    kind: Kind, ended: Ended, fallen: Sequence[Fallen], queue: Queue, options: DeliveryOptions
) -> NewMessage | None:
    """The notice of these recipients; None where nobody is to be told. Raises `StoreError` where the spool is full."""
    message = ended.job.message
    if message.envelope.sender is None:
        return None
    report = Report(
        kind=kind,
        queue_id=message.id,
        envelope=message.envelope,
        accepted_at=message.accepted_at,
        head=message.content.head(),
        recipients=tuple([_reported(ended, one) for one in fallen]),
    )
    text = write_notice(report, _letterhead(ended, options))
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
                kept=_inherited(ended, [one.index for one in fallen]),
            ),
        ),
        arrival=Arrival(client="", helo=options.hello_name, listener=""),
        accepted_at=ended.at,
        content=writer.finish(),
        report_of=message.id,
    )


def _reported(ended: Ended, one: Fallen) -> Reported:
    outcome = ended.last.outcome if ended.last else None
    return Reported(
        recipient=ended.job.recipients[one.index].recipient,
        reply=one.reply,
        requirement=ended.hop.requirement if ended.hop else ended.job.decisions[one.index].requirement,
        failure=ended.settle.failure,
        server=ended.settle.server,
        server_replied=isinstance(outcome, Answered),
        at_host=ended.hop is not None and ended.hop.host is not None,
        uncertain=isinstance(outcome, Uncertain),
        last_attempt=ended.at,
        retry_until=one.retry_until,
    )


def _inherited(ended: Ended, places: list[int]) -> Requirement:
    """What the sender's servers can prove of what the recipients' had to, by what their domain publishes too."""
    decisions = [ended.job.decisions[index] for index in places]
    direct = [hop.requirement for decision in decisions for hop in decision.hops if hop.host is None]
    requirements = [*(decision.requirement for decision in decisions), *direct]
    return reduce(Requirement.both, map(Requirement.transferred, requirements), OPPORTUNISTIC)


def _letterhead(ended: Ended, options: DeliveryOptions) -> Letterhead:
    token, settings = secrets.token_hex(12), ended.job.settings
    return Letterhead(
        organization=settings.name,
        language=settings.language,
        reporting_mta=options.hello_name,
        message_id=f"<{token}@{options.hello_name}>",
        boundary=token,
        date=ended.at,
    )
