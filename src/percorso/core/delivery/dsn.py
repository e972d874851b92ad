"""Delivery status notifications: what a sender is told of mail that failed, waits, or was passed on (RFC 3464).

A notice returns the header of the message at most, never its body, also where RET=FULL asks for it: it may travel less
safely than the message would have. Everything that came from outside is put on one line of ASCII, so that it can
become no field of its own.
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

from percorso.core.delivery import notice_text
from percorso.core.delivery.report import Kind, Letterhead, Report, Reported, wants
from percorso.core.mail.address import Address
from percorso.core.smtp.data import from_wire, to_wire

MAX_HEAD: Final = 65_536
"""Octets of the original header that go into a notice."""
_RELAYED: Final = "2.1.9"  # RFC 3886, 3.3.4: relayed to a server that tells nothing of delivery
_CLASSES: Final = {Kind.FAILED: "5", Kind.DELAYED: "4"}  # RFC 3464, 2.3.4
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")
_UNSAFE_IN_ADDRESS: Final = re.compile(r"[^\x21-\x7e]|[\\+=]")


def write_notice(report: Report, letterhead: Letterhead) -> bytes | None:
    """The notice to the envelope sender, in wire form (CRLF, dot-stuffed, without the final dot).

    None where nobody is to be told: the sender is null (RFC 5321, 4.5.5), or asked not to be told of any of the
    recipients (RFC 3461, 4.1). It goes out with the null sender; it needs SMTPUTF8 where the sender's address does.
    """
    sender = report.envelope.sender
    told = tuple(one for one in report.recipients if wants(one.recipient, report.kind))
    if sender is None or not told:
        return None
    report = msgspec.structs.replace(report, recipients=told)
    notice = EmailMessage(policy=SMTPUTF8 if sender.needs_smtputf8 else SMTP)
    _write_header(notice, sender, report.kind, letterhead)
    for part in (_text(report, letterhead), _status(report, letterhead), _original(report.head)):
        notice.attach(part)
    return to_wire(notice.as_bytes())


def _write_header(notice: EmailMessage, sender: Address, kind: Kind, letterhead: Letterhead) -> None:
    notice["From"] = HeaderAddress("Mail Delivery System", "MAILER-DAEMON", letterhead.reporting_mta)
    notice["To"] = HeaderAddress(username=sender.local, domain=sender.domain)
    notice["Subject"] = notice_text.subject(kind, letterhead)
    notice["Date"] = _date(letterhead.date)
    notice["Message-ID"] = letterhead.message_id
    notice["Auto-Submitted"] = "auto-replied"  # RFC 3834, 5
    notice["MIME-Version"] = "1.0"
    notice["Content-Type"] = "multipart/report"  # RFC 6522, 3
    notice.set_param("report-type", "delivery-status")
    notice.set_boundary(letterhead.boundary)


def _text(report: Report, letterhead: Letterhead) -> EmailMessage:
    """The part for people."""
    part = EmailMessage(policy=SMTP)
    part.set_content(notice_text.body(report, letterhead), cte="quoted-printable")
    part["Content-Language"] = ", ".join(words.code for words in notice_text.ordered(letterhead.language))
    del part["MIME-Version"]
    return part


def _status(report: Report, letterhead: Letterhead) -> EmailMessage:
    """The part for machines, RFC 3464, 2: in ASCII whatever the addresses, so that every server can carry it."""
    message = EmailMessage(policy=SMTP)
    message["Reporting-MTA"] = f"dns; {letterhead.reporting_mta}"
    if report.envelope.envid:
        message["Original-Envelope-Id"] = _from_xtext(report.envelope.envid)
    message["X-Percorso-Queue-Id"] = report.queue_id
    message["Arrival-Date"] = _date(report.accepted_at)
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = "message/delivery-status"
    part.set_payload([message, *(_recipient_status(report.kind, one) for one in report.recipients)])
    return part


def _recipient_status(kind: Kind, one: Reported) -> EmailMessage:
    fields = EmailMessage(policy=SMTP)
    if one.recipient.parameters.orcpt:
        fields["Original-Recipient"] = _original_recipient(one.recipient.parameters.orcpt)
    fields["Final-Recipient"] = _typed_address(one.recipient.address)
    fields["Action"] = str(kind)
    fields["Status"] = _status_code(kind, one)
    if one.server:
        fields["Remote-MTA"] = f"dns; {_printable(one.server)}"
    if one.server_replied:
        fields["Diagnostic-Code"] = f"smtp; {_printable(str(one.reply))}"
    elif kind is not Kind.RELAYED:
        fields["Diagnostic-Code"] = f"x-percorso; {_printable(str(one.failure or one.reply))}"
    if one.last_attempt:
        fields["Last-Attempt-Date"] = _date(one.last_attempt)
    if kind is Kind.DELAYED:
        fields["Will-Retry-Until"] = _date(one.retry_until)
    return fields


def _status_code(kind: Kind, one: Reported) -> str:
    if kind is Kind.RELAYED:
        return _RELAYED
    return _CLASSES[kind] + (one.reply.enhanced[1:] or ".0.0")


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


def _original_recipient(orcpt: str) -> str:
    """ORCPT as it was meant: a UTF-8 address keeps its encoding, which the field needs too (RFC 6533, 3)."""
    kind, _, address = orcpt.partition(";")
    return f"{_printable(kind)}; {_printable(address) if kind.lower() == 'utf-8' else _from_xtext(address)}"


def _from_xtext(text: str) -> str:
    """Without the encoding that the SMTP parameter needs (RFC 3461, 4)."""
    return _printable(_XTEXT.sub(lambda sign: chr(int(sign[1], 16)), text))


def _printable(text: str) -> str:
    """One line of ASCII."""
    return _UNPRINTABLE.sub("?", text).strip()


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))
