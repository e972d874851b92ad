"""What would happen to a message, and why: the decision's trace under any version of the settings."""

import msgspec

from percorso.core.mail.address import Address
from percorso.core.mail.envelope import Arrival, Envelope
from percorso.core.policy.explain import Trace, explain
from percorso.lookups.facts import MessageFacts
from percorso.ports.settings import SettingsSource


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could be sent."""

    sender: Address | None
    recipient: Address
    headers: tuple[tuple[str, str], ...] = ()
    size: int = 0  # octets
    requiretls: bool = False
    account: str = ""
    """The account that submits it, "" for none."""


class NoSuchAccount(Exception):
    """The settings of that version have no account of the name."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen to it."""

    version: int
    trace: Trace


def explain_message(source: SettingsSource, question: Question, *, now: float) -> Answer:
    """Decide on the message as delivery would, without looking at the destination. Raises `NoSuchAccount`."""
    settings = source.current
    if question.account and question.account not in settings.accounts:
        raise NoSuchAccount(f"version {settings.version} of the settings has no account {question.account!r}")
    head = b"".join(f"{name}: {value}\r\n".encode() for name, value in question.headers)
    message = MessageFacts(
        envelope=Envelope(sender=question.sender, requiretls=question.requiretls),
        arrival=Arrival(client="", helo="", listener="", account=question.account),
        head=head + b"\r\n",
        size=question.size,
        source=source,
    )
    facts = message.of(question.recipient, now=now)
    return Answer(version=settings.version, trace=explain(facts, settings))
