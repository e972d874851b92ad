"""The facts of a message, from its wire form to what `decide` reads."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
import pytest

from percorso.core.mail.address import parse_address
from percorso.core.mail.envelope import Arrival, Envelope
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.facts import HeaderField, ListMatch
from percorso.core.settings.schema import Document
from percorso.core.tls.requirement import ENCRYPTED
from percorso.lookups.facts import MAX_HEAD, MessageFacts

ALICE = parse_address("alice@corp.test")
BOB = parse_address("bob+invoices@bank.test")
ARRIVAL = Arrival(client="192.0.2.9", helo="pc.corp.test", listener="127.0.0.1:587", account="scanner", host="gw")


EMPTY = compile_settings(Document(), version=1)


class Source:
    """A `SettingsSource` with two lists."""

    lists: ClassVar = {"bank.test": "partners", "bob@bank.test": "people", "corp.test": "own"}

    def __init__(self, *header_names: str, uses_lists: bool = True) -> None:
        self.current = msgspec.structs.replace(EMPTY, header_names=frozenset(header_names), uses_lists=uses_lists)

    def matching_lists(self, keys: Sequence[str]) -> tuple[ListMatch, ...]:
        return tuple(ListMatch(name=self.lists[key], entry=key) for key in keys if key in self.lists)


def gathered(head: bytes, source: Source | None = None, *, envelope: Envelope | None = None) -> MessageFacts:
    return MessageFacts(
        envelope=envelope or Envelope(sender=ALICE),
        arrival=ARRIVAL,
        head=head,
        size=4321,
        source=source or Source(),
    )


def test_all_that_is_asked() -> None:
    head = b"Received: a\r\nReceived: b\r\nFrom: Al <Alice@corp.test>\r\nSubject: =?utf-8?q?=5Bsecure=5D?=\r\n\r\n"
    facts = gathered(head, Source("subject")).of(BOB, now=5.0, kept=ENCRYPTED)
    assert (facts.sender, facts.recipient, facts.account, facts.arrived_from) == (ALICE, BOB, "scanner", "gw")
    assert (facts.size, facts.received_count, facts.now, facts.kept) == (4321, 2, 5.0, ENCRYPTED)
    assert (facts.header_from, facts.unreadable_from) == (("alice@corp.test",), False)
    assert facts.headers == (HeaderField(name="subject", raw="=?utf-8?q?=5Bsecure=5D?=", decoded="[secure]"),)
    assert [match.name for match in facts.recipient_lists] == ["people", "partners"]
    assert [match.name for match in facts.sender_lists] == ["own"]


def test_recipients_do_not_mix() -> None:
    facts = gathered(b"From: a@corp.test\r\n\r\n")
    assert facts.of(BOB, now=1.0).recipient_lists
    other = facts.of(ALICE, now=1.0)
    assert [match.name for match in other.recipient_lists] == ["own"]
    assert other.kept.opportunistic


def test_lists_are_not_asked_where_no_rule_looks() -> None:
    facts = gathered(b"From: a@corp.test\r\n\r\n", Source(uses_lists=False)).of(BOB, now=1.0)
    assert (facts.sender_lists, facts.recipient_lists) == ((), ())


def test_the_null_sender() -> None:
    facts = gathered(b"", envelope=Envelope(sender=None)).of(BOB, now=1.0)
    assert (facts.sender, facts.sender_lists, facts.header_from, facts.received_count) == (None, (), (), 0)


def test_every_from_counts_and_an_unreadable_one_is_told() -> None:
    facts = gathered(b"From: a@corp.test\r\nFrom: b@other.test, c@corp.test\r\n\r\n").of(BOB, now=1.0)
    assert facts.header_from == ("a@corp.test", "b@other.test", "c@corp.test")
    assert gathered(b"From: a@corp.test\r\nFrom: who knows\r\n\r\n").of(BOB, now=1.0).unreadable_from


@pytest.mark.parametrize(
    ("head", "requiretls", "relaxed"),
    [
        (b"TLS-Required: No\r\n\r\n", False, True),
        (b"tls-required : NO \r\n\r\n", False, True),
        (b"TLS-Required: No\r\n\r\n", True, False),
        (b"TLS-Required: Yes\r\n\r\n", False, False),
        (b"TLS-Required: No\r\nTLS-Required: Yes\r\n\r\n", False, False),
        (b"\r\nTLS-Required: No\r\n", False, False),
    ],
)
def test_tls_required_no(head: bytes, requiretls: bool, relaxed: bool) -> None:
    facts = gathered(head, envelope=Envelope(sender=ALICE, requiretls=requiretls)).of(BOB, now=1.0)
    assert (facts.tls_required_no, facts.requiretls) == (relaxed, requiretls)


def test_a_header_section_without_end_is_unreadable() -> None:
    junk = b"X: " + b"y" * (MAX_HEAD - 5) + b"\r\n"
    facts = gathered(junk, Source("subject")).of(BOB, now=1.0)
    assert facts.unreadable_from
    assert facts.headers == (HeaderField(name="subject", raw="", decoded=None),)
    assert not gathered(junk[:-10] + b"\r\n\r\n", Source("subject")).of(BOB, now=1.0).headers
