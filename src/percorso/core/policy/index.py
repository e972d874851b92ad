"""Rules by what can make them match, so that deciding costs the same with ten rules and with a thousand.

A rule is filed under its first condition that has a key: a list, a sender, a recipient, or a header field. What the
index gives are candidates; the rule itself has the last word. A rule without such a condition is always a candidate.
"""

from collections.abc import Iterable, Iterator

import msgspec

from percorso.core.mail.address import match_keys
from percorso.core.policy.condition import HeaderContains, LargerThan, OnLists, SentBy, SentTo, readings
from percorso.core.policy.facts import Facts, HeaderField
from percorso.core.policy.rule import Rule
from percorso.core.policy.texts import Texts

ByKey = dict[str, list[Rule]]


class RuleIndex(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one unit's own, by their keys."""

    rules: tuple[Rule, ...]
    by_list: ByKey
    by_sender: ByKey
    by_recipient: ByKey
    by_header: dict[str, Texts[Rule]]
    """By field: the texts to look for."""
    unkeyed: list[Rule]

    def matching(self, facts: Facts) -> Iterator[Rule]:
        """Every rule that matches, in no particular order; one may come twice."""
        for rule in self._candidates(facts):
            if rule.matches(facts):
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
            for field in facts.headers:
                yield from self._by_header(field)

    def _by_header(self, field: HeaderField) -> Iterator[Rule]:
        texts = self.by_header.get(field.name)
        if texts is None:
            return
        if field.decoded is None:
            yield from texts.every()
        else:
            for value in readings(field):
                yield from texts.found_in(value)


def index_rules(rules: Iterable[Rule]) -> RuleIndex:
    """File every rule under one of its keys."""
    lists: ByKey = {}
    senders: ByKey = {}
    recipients: ByKey = {}
    headers: dict[str, list[tuple[str, Rule]]] = {}
    unkeyed: list[Rule] = []
    rules = tuple(rules)
    for rule in rules:
        match next((condition for condition in rule.conditions if not isinstance(condition, LargerThan)), None):
            case OnLists(names=names):
                for name in names:
                    lists.setdefault(name, []).append(rule)
            case SentTo(entry=entry):
                recipients.setdefault(entry, []).append(rule)
            case SentBy(entry=entry):
                senders.setdefault(entry, []).append(rule)
            case HeaderContains(name=name, text=text):
                headers.setdefault(name, []).append((text, rule))
            case _:
                unkeyed.append(rule)
    return RuleIndex(
        rules=rules,
        by_list=lists,
        by_sender=senders,
        by_recipient=recipients,
        by_header={name: Texts.of(pairs) for name, pairs in headers.items()},
        unkeyed=unkeyed,
    )
