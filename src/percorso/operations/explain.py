"""What would happen to a message, and why: the decision's trace under any version of the settings."""

import msgspec

from percorso.core.mail.address import Address, match_keys
from percorso.core.mail.headers import decode, find_fields, from_addresses, unfold
from percorso.core.policy.explain import Trace, explain
from percorso.core.policy.facts import Facts, HeaderField
from percorso.ports.settings import SettingsSource


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could be sent."""

    sender: Address | None
    recipient: Address
    headers: tuple[tuple[str, str], ...] = ()
    size: int = 0  # octets
    requiretls: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen to it."""

    version: int
    trace: Trace


def explain_message(source: SettingsSource, question: Question, *, now: float) -> Answer:
    """Decide on the message as delivery would, without looking at the destination."""
    head = b"".join(f"{name}: {value}\r\n".encode() for name, value in question.headers)
    settings = source.current
    senders = [from_addresses(value) for _, value in find_fields(head, ["from"])]
    fields = find_fields(head, settings.header_names) if settings.header_names else []
    facts = Facts(
        sender=question.sender,
        recipient=question.recipient,
        header_from=tuple(address for addresses, _ in senders for address in addresses),
        unreadable_from=any(unreadable for _, unreadable in senders),
        headers=tuple(HeaderField(name=name, raw=unfold(value), decoded=decode(value)) for name, value in fields),
        size=question.size,
        requiretls=question.requiretls,
        sender_lists=source.matching_lists(match_keys(question.sender)) if question.sender else (),
        recipient_lists=source.matching_lists(match_keys(question.recipient)),
        now=now,
    )
    return Answer(version=settings.version, trace=explain(facts, settings))
