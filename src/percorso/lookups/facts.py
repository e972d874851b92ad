"""The facts of a message and its recipients, as `decide` asks for them: for reception, delivery and explanations.

What is the message's own is gathered once, from its envelope, its arrival and one pass over its header section; then
`of` adds what is a recipient's own.
"""

from functools import lru_cache
from typing import Final

import msgspec

from percorso.core.mail.address import Address, match_keys
from percorso.core.mail.envelope import Arrival, Envelope
from percorso.core.mail.headers import Field, decode, find_fields, from_addresses, unfold
from percorso.core.policy.facts import Facts, HeaderField, ListMatch, Published
from percorso.core.tls.requirement import OPPORTUNISTIC, Requirement
from percorso.ports.settings import SettingsSource

MAX_HEAD: Final = 256 * 1024
"""Octets of a header section that are looked through; what a longer one hides makes it unreadable."""

_MAX_MESSAGE_ID: Final = 250  # characters that the evidence keeps

_ALWAYS: Final = frozenset({"from", "message-id", "received", "tls-required"})
_NOT_ASKED: Final = Published()


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a header section says."""

    senders: tuple[str, ...]
    unreadable_from: bool
    fields: tuple[HeaderField, ...]
    relaxes_tls: bool
    received: int
    message_id: str


@lru_cache(maxsize=64)  # delivery asks for what reception asked for a moment before; each may have `MAX_HEAD` octets
def read_header(head: bytes, wanted: frozenset[str]) -> Header:
    """What the header section says, with the `wanted` fields."""
    found = find_fields(head, _ALWAYS | wanted)
    too_long = len(head) >= MAX_HEAD and b"\r\n\r\n" not in head
    senders, unreadable_from = _senders(found)
    fields = _headers(found, wanted) if wanted else ()
    if too_long:
        fields += tuple(HeaderField(name=name, raw="", decoded=None) for name in sorted(wanted))
    return Header(
        senders=senders,
        unreadable_from=unreadable_from or too_long,
        fields=fields,
        relaxes_tls=_relaxes_tls(found),
        received=sum([name == "received" for name, _ in found]),
        message_id=next((unfold(value)[:_MAX_MESSAGE_ID] for name, value in found if name == "message-id"), ""),
    )


class MessageFacts:
    """One message's facts under the settings now in force."""

    __slots__ = ("_message", "_source", "_uses_lists")

    def __init__(self, *, envelope: Envelope, arrival: Arrival, head: bytes, size: int, source: SettingsSource) -> None:
        """`head` is the header section in wire form (`Content.head`); b"" before there is one."""
        settings = source.current
        self._source = source
        self._uses_lists = settings.uses_lists
        header = read_header(head, settings.header_names)
        self._message = Facts(
            sender=envelope.sender,
            recipient=_NOBODY,
            account=arrival.account,
            header_from=header.senders,
            unreadable_from=header.unreadable_from,
            headers=header.fields,
            size=size,
            requiretls=envelope.requiretls,
            tls_required_no=not envelope.requiretls and header.relaxes_tls,
            sender_lists=self._lists(envelope.sender),
            arrived_from=arrival.host,
            own_report=arrival.own_report,
            received_count=header.received,
        )

    def of(
        self,
        recipient: Address,
        *,
        now: float,
        kept: Requirement = OPPORTUNISTIC,
        published: Published = _NOT_ASKED,
    ) -> Facts:
        """The facts of one recipient. `kept` is what the message was accepted under, `now` unix seconds."""
        return msgspec.structs.replace(
            self._message,
            recipient=recipient,
            recipient_lists=self._lists(recipient),
            kept=kept,
            published=published,
            now=now,
        )

    def _lists(self, address: Address | None) -> tuple[ListMatch, ...]:
        if address is None or not self._uses_lists:
            return ()
        return self._source.matching_lists(match_keys(address))


_NOBODY: Final = Address(local="", domain="")  # until `of` names the recipient


def _senders(fields: list[Field]) -> tuple[tuple[str, ...], bool]:
    found: dict[str, None] = {}
    unreadable = False
    for name, value in fields:
        if name == "from":
            addresses, uncertain = from_addresses(value)
            found.update(dict.fromkeys(addresses))
            unreadable = unreadable or uncertain
    return tuple(found), unreadable


def _headers(fields: list[Field], wanted: frozenset[str]) -> tuple[HeaderField, ...]:
    return tuple(
        [HeaderField(name=name, raw=unfold(value), decoded=decode(value)) for name, value in fields if name in wanted]
    )


def _relaxes_tls(fields: list[Field]) -> bool:
    """Whether there is one `TLS-Required: No`; REQUIRETLS would override it (RFC 8689, 3 and 4.1)."""
    values = [unfold(value).casefold() for name, value in fields if name == "tls-required"]
    return values == ["no"]
