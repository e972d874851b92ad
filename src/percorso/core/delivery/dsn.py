"""Delivery status notifications: what a sender is told of mail that could not be delivered (RFC 3464).

A notice returns the header of the message at most, never its body: it may travel less safely than the message would
have.
"""

import re
from datetime import UTC, datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from quopri import encodestring
from typing import Final

import msgspec

from percorso.core.delivery.sentences import sentence
from percorso.core.mail.address import Address
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.smtp.data import from_wire, to_wire
from percorso.core.tls.requirement import Requirement
from percorso.core.tls.result import SecureTransportFailure

MAX_HEAD: Final = 65_536
"""Octets of the original header that go into a notice."""
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")
_UNSAFE_IN_ADDRESS: Final = re.compile(r"[^\x21-\x7e]|[\\+=]")


class FailedRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient that the message did not reach, and why."""

    recipient: EnvelopeRecipient
    reply: Reply
    """The last one. A transient one means that the recipient's time ran out."""
    requirement: Requirement = Requirement()
    """What the delivery had to prove."""
    failure: SecureTransportFailure | None = None
    server: str = ""
    """The server that replied or failed, by name; empty where there was none."""
    server_replied: bool = False
    """Whether the reply is the server's own word."""
    last_attempt: float = 0.0  # unix seconds


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The message that a notice is about."""

    queue_id: str
    envelope: Envelope
    accepted_at: float  # unix seconds
    head: bytes
    """Its header section in wire form."""
    failed: tuple[FailedRecipient, ...]


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice says of ourselves, and what is new in each."""

    organization: str = ""
    reporting_mta: str  # our host name
    message_id: str  # with its angle brackets
    boundary: str
    date: float  # unix seconds


def failed_notice(report: Report, letterhead: Letterhead) -> bytes | None:
    """The notice to the envelope sender, in wire form (CRLF, dot-stuffed, without the final dot).

    None where nobody is to be told: the sender is null (RFC 5321, 4.5.5), or no recipient asks for notices of
    failure (RFC 3461, 4.1). It goes out with the null sender; it needs SMTPUTF8 where the sender's address does.
    """
    sender = report.envelope.sender
    failed = tuple(one for one in report.failed if _wants_notice(one.recipient))
    if sender is None or not failed:
        return None
    notice = EmailMessage(policy=SMTPUTF8 if sender.needs_smtputf8 else SMTP)
    _write_header(notice, sender, letterhead)
    for part in (_text(failed, letterhead), _status(report, failed, letterhead), _original(report.head)):
        notice.attach(part)
    return to_wire(notice.as_bytes())


def _wants_notice(recipient: EnvelopeRecipient) -> bool:
    notify = recipient.parameters.notify
    return not notify or "FAILURE" in notify


def _write_header(notice: EmailMessage, sender: Address, letterhead: Letterhead) -> None:
    notice["From"] = HeaderAddress("Mail Delivery System", "MAILER-DAEMON", letterhead.reporting_mta)
    notice["To"] = HeaderAddress(username=sender.local, domain=sender.domain)
    notice["Subject"] = "Undelivered mail: your message could not be delivered"
    notice["Date"] = _date(letterhead.date)
    notice["Message-ID"] = letterhead.message_id
    notice["Auto-Submitted"] = "auto-replied"  # RFC 3834, 5
    notice["MIME-Version"] = "1.0"
    notice["Content-Type"] = "multipart/report"  # RFC 6522, 3
    notice.set_param("report-type", "delivery-status")
    notice.set_boundary(letterhead.boundary)


def _text(failed: tuple[FailedRecipient, ...], letterhead: Letterhead) -> EmailMessage:
    """The part for people."""
    of_whom = f" of {letterhead.organization}" if letterhead.organization else ""
    paragraphs = [
        f"This is the mail gateway {letterhead.reporting_mta}{of_whom}.",
        "Your message could not be delivered to every recipient. It is not tried again; its header is attached.",
        *(_about(one) for one in failed),
    ]
    part = EmailMessage(policy=SMTP)
    part.set_content("\n\n".join(paragraphs) + "\n", cte="quoted-printable")
    del part["MIME-Version"]
    return part


def _about(one: FailedRecipient) -> str:
    lines = [f"<{one.recipient.address}>"]
    if not one.requirement.opportunistic:
        lines.append(f"  Mail to this recipient has to travel securely ({one.requirement}).")
    if one.failure:
        lines.append(f"  {sentence(one.failure, one.server)}")
        lines.append("  The message was therefore not sent.")
    elif one.server_replied:
        lines.append(f"  The mail server {one.server} answered: {one.reply}")
    else:
        lines.append(f"  {one.reply}")
    if one.reply.transient:
        lines.append("  Delivery was tried several times, until the time for it was over.")
    return "\n".join(lines)


def _status(report: Report, failed: tuple[FailedRecipient, ...], letterhead: Letterhead) -> EmailMessage:
    """The part for machines, RFC 3464, 2."""
    message = EmailMessage(policy=SMTP)
    message["Reporting-MTA"] = f"dns; {letterhead.reporting_mta}"
    if report.envelope.envid:
        message["Original-Envelope-Id"] = _from_xtext(report.envelope.envid)
    message["X-Percorso-Queue-Id"] = report.queue_id
    message["Arrival-Date"] = _date(report.accepted_at)
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = "message/delivery-status"
    part.set_payload([message, *(_recipient_status(one) for one in failed)])
    return part


def _recipient_status(one: FailedRecipient) -> EmailMessage:
    fields = EmailMessage(policy=SMTP)
    if one.recipient.parameters.orcpt:
        fields["Original-Recipient"] = _from_xtext(one.recipient.parameters.orcpt)
    fields["Final-Recipient"] = _typed_address(one.recipient.address)
    fields["Action"] = "failed"
    fields["Status"] = f"5{one.reply.enhanced[1:]}" if one.reply.enhanced else "5.0.0"  # RFC 3464, 2.3.4
    if one.server:
        fields["Remote-MTA"] = f"dns; {one.server}"
    if one.failure:
        fields["Diagnostic-Code"] = f"x-percorso; {_printable(str(one.failure))}"
    elif one.server_replied:
        fields["Diagnostic-Code"] = f"smtp; {_printable(str(one.reply))}"
    if one.last_attempt:
        fields["Last-Attempt-Date"] = _date(one.last_attempt)
    return fields


def _original(head: bytes) -> EmailMessage:
    """The header of the message, RFC 6522, 4."""
    text = from_wire(head)
    if len(text) > MAX_HEAD:
        text = text[: text.rfind(b"\r\n", 0, MAX_HEAD) + 2]
    lines = text.split(b"\r\n")
    plain = text.isascii() and max(map(len, lines)) <= 998  # RFC 5322, 2.1.1
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = "text/rfc822-headers"
    part["Content-Transfer-Encoding"] = "7bit" if plain else "quoted-printable"
    body = b"\n".join(lines)
    part.set_payload((body if plain else encodestring(body)).decode("ascii"))
    return part


def _typed_address(address: Address) -> str:
    """The address in a field of ASCII: RFC 3464, 2.3.2, and for others RFC 6533, 3."""
    if not address.needs_smtputf8:
        return f"rfc822; {address}"
    return "utf-8; " + _UNSAFE_IN_ADDRESS.sub(lambda sign: rf"\x{{{ord(sign[0]):X}}}", str(address))


def _from_xtext(text: str) -> str:
    """Without the encoding that the SMTP parameter needs (RFC 3461, 4)."""
    return _printable(_XTEXT.sub(lambda sign: chr(int(sign[1], 16)), text))


def _printable(text: str) -> str:
    """One line of ASCII: what a peer sent must not become a field of its own."""
    return _UNPRINTABLE.sub("?", text).strip()


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))
