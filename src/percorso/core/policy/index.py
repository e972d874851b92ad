"""Rules by what can make them match, so that deciding costs the same with ten rules and with a thousand.

A rule is filed under its first condition that has a key: a list, a sender, a recipient, or a header field. What the
index gives are candidates; the rule itself has the last word. A rule without such a condition is always a candidate.
"""

from collections.abc import Iterable, Iterator

import msgspec

from percorso.core.mail.address import match_keys
from percorso.core.policy.condition import HeaderContains, OnLists, SentBy, SentTo, readings
from percorso.core.policy.facts import Facts
from percorso.core.policy.rule import Rule

ByKey = dict[str, list[Rule]]


class RuleIndex(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one unit's own, by their keys."""

    rules: tuple[Rule, ...]
    by_list: ByKey
    by_sender: ByKey
    by_recipient: ByKey
    by_header: dict[str, list[tuple[str, Rule]]]
    """By field: the texts to look for, with their rules."""
    unkeyed: list[Rule]

    def matching(self, facts: Facts) -> Iterator[Rule]:
        """Every rule that matches, in no particular order; one may come twice."""
        for rule in self._candidates(facts):
            if len(rule.conditions) == 0 or rule.matches(facts):
                yield rule

    def _candidates(self, facts: Facts) -> Iterator[Rule]:
        yield from self.unkeyed
        if self.by_list:
            for match in facts.recipient_lists:
                yield from self.by_list.get(match.name, ())
        if self.by_recipient:
            for key in match_keys(facts.recipient):
                yield from self.by_recipient.get(key, ())
        if self.by_sender and facts.sender:
            for key in match_keys(facts.sender):
                yield from self.by_sender.get(key, ())
        if self.by_header:
            yield from self._by_header_value(facts)

    def _by_header_value(self, facts: Facts) -> Iterator[Rule]:
        for field in facts.headers:
            searched = self.by_header.get(field.name, ())
            if field.decoded is None:
                yield from [rule for _, rule in searched]
            elif searched:
                for value in readings(field):
                    yield from [rule for text, rule in searched if text in value]


def index_rules(rules: Iterable[Rule]) -> RuleIndex:
    """File every rule under one of its keys."""
    index = RuleIndex(rules=tuple(rules), by_list={}, by_sender={}, by_recipient={}, by_header={}, unkeyed=[])
    for rule in index.rules:
        _file(rule, index)
    return index


def _file(rule: Rule, index: RuleIndex) -> None:
    for condition in rule.conditions:
        match condition:
            case OnLists(names=names):
                for name in names:
                    index.by_list.setdefault(name, []).append(rule)
            case SentTo(entry=entry):
                index.by_recipient.setdefault(entry, []).append(rule)
            case SentBy(entry=entry):
                index.by_sender.setdefault(entry, []).append(rule)
            case HeaderContains(name=name, text=text):
                index.by_header.setdefault(name, []).append((text, rule))
            case _:
                continue
        return
    index.unkeyed.append(rule)
