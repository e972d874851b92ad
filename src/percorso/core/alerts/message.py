"""Alerts as a message of ours, and as what a webhook gets."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from textwrap import fill
from typing import Final

import msgspec

from percorso.core.alerts.course import Alert
from percorso.core.alerts.words import LANGUAGES, explained, title
from percorso.core.mail.address import Address
from percorso.core.smtp.data import to_wire

MAX_TOLD: Final = 50
"""Alerts written out in one message; of the others only the number."""
_WIDTH: Final = 74


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """What is new in each message."""

    node: str
    message_id: str  # with its angle brackets
    date: float  # unix seconds


def write_message(alerts: Sequence[Alert], to: Sequence[Address], language: str, letterhead: Letterhead) -> bytes:
    """One message about all of them, in wire form (CRLF, dot-stuffed, without the final dot)."""
    needs_smtputf8 = any(address.needs_smtputf8 for address in to)
    message = EmailMessage(policy=SMTPUTF8 if needs_smtputf8 else SMTP)
    message["From"] = HeaderAddress("Percorso", "MAILER-DAEMON", letterhead.node)
    message["To"] = tuple(HeaderAddress(username=address.local, domain=address.domain) for address in to)
    message["Subject"] = _subject(alerts, language)
    message["Date"] = format_datetime(datetime.fromtimestamp(letterhead.date, UTC))
    message["Message-ID"] = letterhead.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, 5
    message.set_content(_text(alerts, language, letterhead.node), cte="quoted-printable")
    return to_wire(message.as_bytes())


def write_payload(alerts: Sequence[Alert], language: str, node: str, now: float) -> bytes:
    """What a webhook gets: JSON with stable names, and the texts for people."""
    told = [
        {
            "change": alert.change.value,
            "kind": alert.condition.kind.value,
            "subject": alert.condition.subject,
            "figure": alert.condition.figure,
            "since": int(alert.since),
            "title": title(alert, language),
            "text": " ".join(explained(alert, language)),
        }
        for alert in alerts
    ]
    summary = _subject(alerts, language)
    return msgspec.json.encode({"node": node, "at": int(now), "text": summary, "alerts": told})


def signature(payload: bytes, secret: bytes) -> str:
    """What tells the receiver that a payload is ours."""
    return f"sha256={hmac.new(secret, payload, hashlib.sha256).hexdigest()}"


def _subject(alerts: Sequence[Alert], language: str) -> str:
    first = title(alerts[0], language)
    return first if len(alerts) == 1 else f"{first} (+{len(alerts) - 1})"


def _text(alerts: Sequence[Alert], language: str, node: str) -> str:
    words = LANGUAGES[language]
    blocks: list[str] = []
    for alert in alerts[:MAX_TOLD]:
        since = words.since.format(moment=f"{datetime.fromtimestamp(alert.since, UTC):%Y-%m-%d %H:%M}")
        blocks += [title(alert, language), *explained(alert, language), since, "– – –"]
    if len(alerts) > MAX_TOLD:
        blocks.append(words.more.format(count=len(alerts) - MAX_TOLD))
    blocks.append(words.signature.format(node=node))
    return "\n\n".join(fill(block, _WIDTH, break_long_words=False, break_on_hyphens=False) for block in blocks) + "\n"
