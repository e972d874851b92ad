"""The conditions of rules: each tells whether it holds for the facts of one recipient, and says so in words."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from percorso.core.mail.address import Address, match_keys
from percorso.core.policy.facts import Facts, HeaderField


class OnLists(msgspec.Struct, frozen=True, kw_only=True):
    """One of these address lists holds the recipient."""

    names: tuple[str, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether it does."""
        return any(match.name in self.names for match in facts.recipient_lists)

    def finding(self, facts: Facts) -> str:
        """What was seen, in words."""
        for match in facts.recipient_lists:
            if match.name in self.names:
                return f"{facts.recipient} is on the list {match.name!r}, by its entry {match.entry!r}"
        return f"{facts.recipient} is not on {_any_of('the list', self.names)}"


class SentBy(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope sender is this address, or of this domain. The null sender is nobody's."""

    entry: str

    def holds(self, facts: Facts) -> bool:
        """Whether it is."""
        return facts.sender is not None and self.entry in match_keys(facts.sender)

    def finding(self, facts: Facts) -> str:
        """What was seen, in words."""
        return _match_text("sender", facts.sender, self.entry, matches=self.holds(facts))


class SentTo(msgspec.Struct, frozen=True, kw_only=True):
    """The recipient is this address, or of this domain."""

    entry: str

    def holds(self, facts: Facts) -> bool:
        """Whether it is."""
        return self.entry in match_keys(facts.recipient)

    def finding(self, facts: Facts) -> str:
        """What was seen, in words."""
        return _match_text("recipient", facts.recipient, self.entry, matches=self.holds(facts))


class HeaderContains(msgspec.Struct, frozen=True, kw_only=True):
    """Some occurrence of the field contains the text, raw or decoded; or it cannot be read.

    A field that cannot be read holds the condition, because every rule with one asks for more security, never less.
    """

    name: str  # lower-case
    text: str  # as `comparable` gives it

    def holds(self, facts: Facts) -> bool:
        """Whether one does."""
        return any(self._found_in(field) for field in facts.headers)

    def finding(self, facts: Facts) -> str:
        """What was seen, in words."""
        fields = [field for field in facts.headers if field.name == self.name]
        if not fields:
            return f"there is no {self.name} field"
        found = next((field for field in fields if self._found_in(field)), None)
        if found is None:
            return f"no {self.name} field contains {self.text!r}"
        if found.decoded is None and self.text not in comparable(found.raw):
            return f"the {self.name} field cannot be read, which counts as containing {self.text!r}"
        return f"a {self.name} field contains {self.text!r}"

    def _found_in(self, field: HeaderField) -> bool:
        if field.name != self.name:
            return False
        return field.decoded is None or any(self.text in value for value in readings(field))


class LargerThan(msgspec.Struct, frozen=True, kw_only=True):
    """The message has more octets than this."""

    size: int

    def holds(self, facts: Facts) -> bool:
        """Whether it has."""
        return facts.size > self.size

    def finding(self, facts: Facts) -> str:
        """What was seen, in words."""
        return f"{facts.size} bytes are {'' if self.holds(facts) else 'not '}more than {self.size}"


Condition = OnLists | SentBy | SentTo | HeaderContains | LargerThan


@lru_cache(maxsize=64)  # the recipients of a message share its header
def comparable(text: str) -> str:
    """The text as header values compare: whatever its case, its folding (RFC 5322, 2.2.3) and its Unicode form."""
    composed = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(composed.casefold().split())


def readings(field: HeaderField) -> Iterable[str]:
    """The values of one occurrence to look for a text in: raw, and decoded where it can be and differs."""
    raw = comparable(field.raw)
    return (raw,) if field.decoded in (None, field.raw) else (raw, comparable(field.decoded or ""))


def _match_text(who: str, address: Address | None, entry: str, *, matches: bool) -> str:
    if address is None:
        return f"the {who} is the null sender"
    return f"the {who} {address} {'matches' if matches else 'does not match'} {entry!r}"


def _any_of(noun: str, names: tuple[str, ...]) -> str:
    return f"{noun} {' or '.join(repr(name) for name in names)}" if names else "any list"
