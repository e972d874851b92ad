"""Why a recipient was not reached, where no secure-transport failure is the reason, told by reply and circumstance."""

import enum
from typing import Final

from percorso.core.mail.reply import Reply


class Cause(enum.StrEnum):
    """Stable names."""

    # What the server answered
    UNKNOWN_ADDRESS = "unknown-address"
    MAILBOX_FULL = "mailbox-full"
    TOO_LARGE = "message-too-large"
    NOT_PERMITTED = "not-permitted"
    REFUSED = "refused"
    POSTPONED = "postponed"
    # What the server cannot take
    EIGHT_BIT = "eight-bit-not-supported"
    INTERNATIONAL = "international-address-not-supported"
    # What we found
    NO_DOMAIN = "no-such-domain"
    NO_MAIL = "domain-takes-no-mail"
    NO_SERVER = "no-server"
    LOOKUP_FAILED = "lookup-failed"
    UNREACHABLE = "unreachable"
    HOST_UNAVAILABLE = "host-unavailable"
    UNCERTAIN = "uncertain"
    MAIL_LOOP = "mail-loop"
    INTERNAL = "internal"


# By class-less enhanced code (RFC 3463, 3).
_LACKING: Final = {"6.3": Cause.EIGHT_BIT, "6.7": Cause.INTERNATIONAL}
_SAID: Final = {
    "1.1": Cause.UNKNOWN_ADDRESS, "1.2": Cause.NO_DOMAIN, "1.10": Cause.NO_MAIL, "2.1": Cause.UNKNOWN_ADDRESS,
    "2.2": Cause.MAILBOX_FULL, "2.3": Cause.TOO_LARGE, "3.4": Cause.TOO_LARGE, "4.6": Cause.MAIL_LOOP,
}  # fmt: skip
_FOUND: Final = {
    "1.2": Cause.NO_DOMAIN, "1.10": Cause.NO_MAIL, "3.0": Cause.INTERNAL, "3.1": Cause.INTERNAL, "3.5": Cause.INTERNAL,
    "4.3": Cause.LOOKUP_FAILED, "4.4": Cause.NO_SERVER, "4.6": Cause.MAIL_LOOP,
}  # fmt: skip


def cause_of(reply: Reply, *, server_replied: bool, at_host: bool = False, uncertain: bool = False) -> Cause:
    """The cause that a reply tells: the server's own word, or ours where none answered.

    `at_host` says that a configured host was tried, `uncertain` that the connection was lost behind the final dot.
    """
    code = reply.enhanced[2:]
    if uncertain:
        return Cause.UNCERTAIN
    if server_replied:
        return _LACKING.get(code) or _answered(reply, code)
    found = _FOUND.get(code, Cause.UNREACHABLE)
    return Cause.HOST_UNAVAILABLE if at_host and found in (Cause.UNREACHABLE, Cause.NO_SERVER) else found


def _answered(reply: Reply, code: str) -> Cause:
    if said := _SAID.get(code):
        return said
    if not reply.permanent:
        return Cause.POSTPONED
    if reply.code == 552:  # RFC 5321, 4.2.2
        return Cause.TOO_LARGE
    return Cause.NOT_PERMITTED if code.startswith("7.") else Cause.REFUSED
