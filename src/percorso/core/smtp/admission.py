"""Who may be sender and recipient of a transaction, as a session asks its caller."""

from collections.abc import Callable

from percorso.core.mail.address import Address
from percorso.core.mail.reply import Reply
from percorso.core.smtp import said

AdmitSender = Callable[[Address | None], Reply | None]
"""Gives the reply that refuses a sender, or None."""
AdmitRecipient = Callable[[Address], Address | Reply]
"""Gives the address to deliver to, or the reply that refuses the recipient. A `Postmaster` without a domain
(RFC 5321, 4.5.1) gets one here."""


def admit_anyone(_sender: Address | None) -> Reply | None:
    """Refuse no sender."""
    return None


def admit_complete(recipient: Address) -> Address | Reply:
    """Refuse only the postmaster of no domain."""
    return recipient if recipient.domain else said.NO_POSTMASTER
