"""Hands one message in to a listener, and tells each step: a mail client for trying things out."""

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

import msgspec

TlsUse = Literal["offered", "implicit", "none"]
Step = Callable[[str], None]
"""Hears of each step as it begins."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, and where."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    tls: TlsUse = "offered"
    timeout: float = 60.0  # seconds for each step


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the listener said."""

    accepted: bool
    reply: str
    tls: str  # "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty in plaintext
    refused: dict[str, str] = {}
    """Replies to recipients that were refused."""


class SendFailed(Exception):
    """The message was not handed in; the message says at which step, and what to do."""


def compose(sender: str, recipients: tuple[str, ...], subject: str, body: str) -> EmailMessage:
    """A short text message."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="percorso.invalid")
    message.set_content(body)
    return message


def send(parcel: Parcel, step: Step) -> Receipt:
    """Hand the message in. The listener's certificate is not judged: it is our own, often self-signed."""
    where = f"{parcel.host}:{parcel.port}"
    step(f"connecting to {where}")
    try:
        with _connect(parcel) as smtp:
            return _hand_in(smtp, parcel, step)
    except smtplib.SMTPConnectError as error:
        raise SendFailed(f"{where} greeted with {_text(error.smtp_code, error.smtp_error)}") from None
    except (OSError, smtplib.SMTPException) as error:
        hint = "is `percorso serve` running?" if isinstance(error, ConnectionRefusedError) else "see its log"
        raise SendFailed(f"{where}: {error}; {hint}") from None


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connect(parcel: Parcel) -> smtplib.SMTP:
    if parcel.tls == "implicit":
        return smtplib.SMTP_SSL(parcel.host, parcel.port, timeout=parcel.timeout, context=_context())
    return smtplib.SMTP(parcel.host, parcel.port, timeout=parcel.timeout)


def _hand_in(smtp: smtplib.SMTP, parcel: Parcel, step: Step) -> Receipt:
    smtp.ehlo_or_helo_if_needed()
    if parcel.tls == "offered" and smtp.has_extn("starttls"):
        step("starting TLS")
        smtp.starttls(context=_context())
        smtp.ehlo()
    tls = _tls(smtp)
    step(f"sending {len(parcel.content)} bytes" + (f" over {tls}" if tls else " in plaintext"))
    code, text = smtp.mail(parcel.sender, _options(smtp, parcel))
    if code != 250:
        return Receipt(accepted=False, reply=_text(code, text), tls=tls)
    replies = {recipient: smtp.rcpt(recipient) for recipient in parcel.recipients}
    refused = {recipient: _text(*reply) for recipient, reply in replies.items() if reply[0] not in {250, 251}}
    if len(refused) == len(replies):
        return Receipt(accepted=False, reply="no recipient was accepted", tls=tls, refused=refused)
    code, text = smtp.data(parcel.content)
    return Receipt(accepted=code == 250, reply=_text(code, text), tls=tls, refused=refused)


def _options(smtp: smtplib.SMTP, parcel: Parcel) -> list[str]:
    options = [f"SIZE={len(parcel.content)}"] if smtp.has_extn("size") else []
    options += ["BODY=8BITMIME"] if smtp.has_extn("8bitmime") and not parcel.content.isascii() else []
    addresses = "".join([parcel.sender, *parcel.recipients])
    if not addresses.isascii():
        smtp.command_encoding = "utf-8"
        options.append("SMTPUTF8")
    return options


def _tls(smtp: smtplib.SMTP) -> str:
    sock = smtp.sock
    cipher = sock.cipher() if isinstance(sock, ssl.SSLSocket) else None
    return f"{cipher[1]} {cipher[0]}" if cipher else ""


def _text(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}"
