"""Messages and recipients as rows, and back."""

from typing import Final

import msgspec

from percorso.core.mail.address import Address, comparison_key
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient, RecipientParameters
from percorso.core.tls.requirement import OPPORTUNISTIC, Requirement
from percorso.ports.queue import Claim, Content, NewMessage, NewRecipient, QueuedMessage, QueuedRecipient
from percorso.store.queue_id import queue_id
from percorso.store.recovered import Interrupted
from percorso.store.sqlite.connection import Row

_NO_PARAMETERS: Final = RecipientParameters()


class _Meta(msgspec.Struct, frozen=True, array_like=True):
    """What of a message is only read when it is delivered."""

    envelope: Envelope
    arrival: Arrival
    report_of: str


UNREADABLE: Final = (msgspec.DecodeError, ValueError)
"""What reading a damaged column raises."""
_ENCODER: Final = msgspec.msgpack.Encoder()
_META: Final = msgspec.msgpack.Decoder(_Meta)
_PARAMETERS: Final = msgspec.msgpack.Decoder(RecipientParameters)
_REQUIREMENT: Final = msgspec.msgpack.Decoder(Requirement)
_NOTHING: Final = _Meta(Envelope(sender=None), Arrival(client="", helo="", listener=""), "")


def message_row(number: int, message: NewMessage) -> Row:
    """The columns of `message`: id, accepted_at, size, meta, content."""
    meta = _ENCODER.encode(_Meta(message.envelope, message.arrival, message.report_of))
    return (number, message.accepted_at, message.content.size, meta, message.content.inline)


def recipient_row(message: int, number: int, new: NewRecipient, sender: str, state: tuple[int, float]) -> Row:
    """The first columns of `recipient`, up to kept; `state` is the state and the next attempt."""
    address, parameters = new.recipient.address, new.recipient.parameters
    return (
        message,
        number,
        *state,
        address.local,
        address.domain,
        sender,
        None if parameters == _NO_PARAMETERS else _ENCODER.encode(parameters),
        kept_column(new.kept),
    )


def kept_column(kept: Requirement) -> bytes | None:
    """A kept requirement as its column."""
    return None if kept == OPPORTUNISTIC else _ENCODER.encode(kept)


def sender_key(envelope: Envelope) -> str:
    """The sender as it compares; empty for the null sender."""
    return comparison_key(envelope.sender) if envelope.sender else ""


def new_claim(message: NewMessage) -> Claim:
    """All recipients of a message that was just accepted, as delivery takes them."""
    queued = QueuedMessage(
        id=message.id,
        envelope=message.envelope,
        arrival=message.arrival,
        accepted_at=message.accepted_at,
        content=message.content,
        report_of=message.report_of,
    )
    recipients = tuple(
        QueuedRecipient(number=number, recipient=new.recipient, kept=new.kept)
        for number, new in enumerate(message.recipients)
    )
    return Claim(message=queued, recipients=recipients)


def read_message(number: int, accepted_at: float, meta: bytes, content: Content) -> QueuedMessage:
    """A message from its row."""
    read = _META.decode(meta)
    return QueuedMessage(
        id=queue_id(number),
        envelope=read.envelope,
        arrival=read.arrival,
        accepted_at=accepted_at,
        content=content,
        report_of=read.report_of,
    )


def glance_at_envelope(meta: bytes) -> Envelope:
    """The envelope of a message, for people; an empty one where it cannot be read."""
    return _glance(meta).envelope


def glance_at_requirement(kept: bytes | None) -> Requirement | None:
    """A kept requirement, for people; None where it cannot be read."""
    try:
        return read_requirement(kept)
    except UNREADABLE:
        return None


def _glance(meta: bytes) -> _Meta:
    try:
        return _META.decode(meta)
    except UNREADABLE:
        return _NOTHING


def read_interrupted(row: Row) -> Interrupted:
    """From message, number, local, domain, attempts, accepted_at, size, meta, kept of a recipient that was claimed.

    What cannot be read is left out: the recovery goes on, and the next claim holds the message.
    """
    message, _, local, domain, attempts, accepted_at, size, meta, kept = row
    read = _glance(meta)
    return Interrupted(
        message_id=queue_id(message),
        envelope=read.envelope,
        arrival=read.arrival,
        accepted_at=accepted_at,
        size=size,
        address=Address(local=local, domain=domain),
        attempts=attempts,
        requirement=glance_at_requirement(kept),
    )


def read_recipient(row: Row) -> QueuedRecipient:
    """From number, local, domain, parameters, kept, attempts, insecure_since, warned."""
    number, local, domain, parameters, kept, attempts, insecure_since, warned = row
    return QueuedRecipient(
        number=number,
        recipient=EnvelopeRecipient(
            address=Address(local=local, domain=domain),
            parameters=_PARAMETERS.decode(parameters) if parameters else _NO_PARAMETERS,
        ),
        kept=read_requirement(kept),
        attempts=attempts,
        insecure_since=insecure_since,
        warned=bool(warned),
    )


def read_requirement(kept: bytes | None) -> Requirement:
    """A kept requirement."""
    return _REQUIREMENT.decode(kept) if kept else OPPORTUNISTIC
