"""Submission: what accounts are told, and which senders they may use (RFC 6409; RFC 4954)."""

import math
from typing import Final

import msgspec

from percorso.core.mail.address import Address
from percorso.core.mail.reply import Reply
from percorso.core.policy.settings import Settings
from percorso.ports.accounts import AccountRates, Authenticator, Verdict

RIGHT: Final = Reply(code=235, enhanced="2.7.0", text="authenticated")
WRONG: Final = Reply(code=535, enhanced="5.7.8", text="the name or the password is wrong")  # RFC 4954, 6


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What the submission listeners of a worker ask."""

    authenticator: Authenticator
    rates: AccountRates

    def refuse_sender(self, account: str, sender: Address | None, *, settings: Settings, now: float) -> Reply | None:
        """The reply where the account may not send this now; else it has one message less. `now` in unix seconds."""
        known = settings.accounts.get(account)
        if known is None:  # it was removed since it authenticated
            return Reply(code=535, enhanced="5.7.8", text=f"there is no account {account} any more")
        if not known.may_send_as(sender):
            return Reply(  # RFC 6409, 6.1
                code=550,
                enhanced="5.7.1",
                text=f"the account {account} may not send as {sender}; use one of its addresses, or ask the "
                "administrator to add this one",
            )
        wait = self.rates.take(account, known.rate, now=now) if known.rate else 0.0
        if not wait:
            return None
        text = f"the account {account} has sent its {known.rate} messages; try again in {_span(wait)}"
        return Reply(code=450, enhanced="4.7.1", text=text)


def reply_to(verdict: Verdict) -> Reply:
    """What a client hears that has said its password."""
    if verdict.wait:
        return Reply(code=454, enhanced="4.7.0", text=f"too many attempts; try again in {_span(verdict.wait)}")
    return RIGHT if verdict.right else WRONG


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{math.ceil(seconds)} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
