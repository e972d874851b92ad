"""The Received field that goes on top of every message (RFC 5321, 4.4)."""

from email.utils import formatdate
from functools import lru_cache

from percorso.core.mail.envelope import Arrival


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return formatdate(second)


def received_field(arrival: Arrival, *, by: str, protocol: str, queue_id: str, now: float) -> bytes:
    """The field in wire form. `protocol` is as `with_protocol` gives it; `now` in unix seconds."""
    literal = f"[IPv6:{arrival.client}]" if ":" in arrival.client else f"[{arrival.client}]"
    tls = f"\r\n\t({arrival.tls_version} with cipher {arrival.tls_cipher})" if arrival.tls_version else ""
    return (
        f"Received: from {arrival.helo} ({literal})\r\n\tby {by} with {protocol}{tls}"
        f"\r\n\tid {queue_id}; {_date(int(now))}\r\n"
    ).encode("ascii")


def with_protocol(*, esmtp: bool, smtputf8: bool, tls: bool, auth: bool) -> str:
    """The registered name of what was spoken (RFC 3848; RFC 6531, 4.3)."""
    if not esmtp:
        return "SMTP"
    name = "UTF8SMTP" if smtputf8 else "ESMTP"
    return name + "S" * tls + "A" * auth
