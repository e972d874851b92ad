"""Open relay: whether our own listeners take mail that they must not take.

Each is asked from this machine to take mail of a foreign sender to a foreign recipient; no message is ever sent. How
it answers elsewhere cannot be tried from here, so the networks that it serves are looked at.
"""

import asyncio
import ipaddress
import smtplib
import ssl
from typing import Final

import msgspec

from percorso.config.checks import host_and_port
from percorso.config.schema import Listener
from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import REPLY_TIMEOUT, Patient

WIDE: Final = {4: 8, 6: 16}
"""The shortest prefix of a public network that may be trusted, by IP version."""
SENDER: Final = "relay-test@foreign-sender.invalid"
RECIPIENT: Final = "relay-test@foreign-recipient.invalid"
_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, never bound)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How a listener answered. `reply` is that to the last command."""

    address: str
    role: str
    networks: tuple[str, ...]
    allow_foreign_senders: bool
    running: bool = True
    accepted: bool = False
    reply: str = ""


def judge(seen: Seen) -> list[Finding]:
    """The listener's networks, then its answer."""
    check = f"open relay {seen.address}"
    wide = [network for network in seen.networks if _too_wide(network)]
    if seen.role == "relay" and wide:
        mend = "list only your own mail servers in the listener's `networks`"
        return [fail(check, f"it serves {', '.join(wide)}: anybody can send through it", mend)]
    if not seen.running:
        return [unknown(check, f"nobody listens ({seen.reply})", "start `percorso serve`, then examine again")]
    if not seen.accepted:
        return [ok(check, f"mail of a foreign sender is refused: {seen.reply}")]
    if seen.allow_foreign_senders:
        text = "it takes foreign senders from its networks, as configured"
        return [warn(check, text, "keep `networks` small, or leave `allow_foreign_senders` out")]
    return [fail(check, f"mail of a foreign sender was accepted: {seen.reply}", "stop the node, and tell its makers")]


def _too_wide(text: str) -> bool:
    network = ipaddress.ip_network(text, strict=False)
    return not network.is_private and network.prefixlen < WIDE[network.version]


async def check(patient: Patient) -> list[Finding]:
    """Ask every listener, and judge."""
    listeners = patient.configuration.listener
    seen = await asyncio.gather(*(asyncio.to_thread(look, listener) for listener in listeners))
    return [finding for one in seen for finding in judge(one)]


def look(listener: Listener) -> Seen:
    """Ask one listener from this machine. One that takes foreign senders must at least refuse the recipient."""
    seen = Seen(
        address=listener.address,
        role=listener.role,
        networks=listener.networks if listener.role == "relay" else (),
        allow_foreign_senders=listener.allow_foreign_senders,
    )
    host, port = host_and_port(listener.address)
    try:
        with _connect(_LOCAL.get(host, host), port, implicit=listener.tls == "implicit") as smtp:
            accepted, reply = _ask(smtp, implicit=listener.tls == "implicit")
    except smtplib.SMTPResponseException as error:
        return msgspec.structs.replace(seen, reply=_text(error.smtp_code, error.smtp_error))
    except (OSError, smtplib.SMTPException) as error:
        return msgspec.structs.replace(seen, running=False, reply=getattr(error, "strerror", None) or str(error))
    return msgspec.structs.replace(seen, accepted=accepted, reply=reply)


def _connect(host: str, port: int, *, implicit: bool) -> smtplib.SMTP:
    if implicit:
        return smtplib.SMTP_SSL(host, port, timeout=REPLY_TIMEOUT, context=_context())
    return smtplib.SMTP(host, port, timeout=REPLY_TIMEOUT)


def _context() -> ssl.SSLContext:
    """Our own certificate, over our own machine: looked at elsewhere."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _ask(smtp: smtplib.SMTP, *, implicit: bool) -> tuple[bool, str]:
    smtp.ehlo_or_helo_if_needed()
    if not implicit and smtp.has_extn("starttls"):
        smtp.starttls(context=_context())
        smtp.ehlo()
    code, text = smtp.mail(SENDER)
    if code == 250:
        code, text = smtp.rcpt(RECIPIENT)
    return code in {250, 251}, _text(code, text)


def _text(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}"
