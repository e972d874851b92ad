"""Header conditions: every occurrence, raw and decoded, and what cannot be read."""

import pytest

from percorso.core.policy.condition import HeaderContains, comparable
from percorso.core.policy.decide import decide
from percorso.core.policy.facts import HeaderField
from tests.core.policy.world import field, mail, settings


def required(*headers: HeaderField) -> bool:
    decision = decide(mail("user@corp.test", "bob@open.test", headers=headers), settings())
    return "routing_rule/Secure by subject" in decision.rules and decision.requirement.encrypted


def test_encoded_header_matches_by_its_decoded_value() -> None:
    raw = "=?utf-8?B?W3NlY3VyZV0gT2ZmZXI=?="
    assert not required(field("Subject", raw))
    assert required(field("Subject", raw, "[secure] Offer"))


def test_raw_value_matches_where_the_decoded_one_does_not() -> None:
    assert required(field("Subject", "[secure] =?utf-8?Q?x?=", "something else"))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_doubled_header_matches_by_any_occurrence(place: int) -> None:
    fields = [field("Subject", "Lunch")] * 3
    fields[place] = field("Subject", "[secure] Offer")
    assert required(*fields)


def test_unreadable_header_matches() -> None:
    assert required(field("Subject", "=?utf-8?B?!!!?=", None))


def test_unreadable_field_of_another_name_does_not() -> None:
    assert not required(field("Subject", "Lunch"), field("From", "=?utf-8?B?!!!?=", None))


@pytest.mark.parametrize("value", ["[SECURE] offer", "re:\r\n [Secure]", "[\uff53ecure]"])
def test_case_folding_and_unicode_form_do_not_matter(value: str) -> None:
    assert required(field("Subject", value))


@pytest.mark.parametrize("value", ["[ secure ]", "secure", "[sécure]", ""])
def test_other_text_does_not_match(value: str) -> None:
    assert not required(field("Subject", value))


def test_folded_phrase_is_one_phrase() -> None:
    condition = HeaderContains(name="subject", text=comparable("Top  Secret"))
    assert condition.holds(mail("", "bob@open.test", headers=(field("Subject", "very top\r\n\tsecret"),)))


def test_composed_and_decomposed_letters_are_the_same() -> None:
    condition = HeaderContains(name="subject", text=comparable("r\u00e9serv\u00e9"))
    assert condition.holds(mail("", "bob@open.test", headers=(field("Subject", "Re\u0301serve\u0301"),)))


def test_fields_that_rules_name_are_asked_for() -> None:
    extra = '[[routing_rule]]\nname = "Label"\nmatch = { header = "X-Label", contains = "secret" }\n'
    assert settings(extra=extra).header_names == {"from", "subject", "x-label"}
