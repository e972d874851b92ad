"""Differences of two documents, as plans show them and the audit log keeps them."""

import json

from hypothesis import given

from percorso.core.settings.diff import EVENTS, changes
from percorso.core.settings.schema import AddressList, AlternateSecureRoute, Document, Host, Organization, Server, Unit
from tests.core.settings.documents import documents

ENCRYPTOR = Host(name="encryptor", primary=(Server(address="gw1.example"),))
OLD = Document(
    organization=Organization(domains=("corp.test",)),
    host=(ENCRYPTOR,),
    address_list=(AddressList(name="partners", entries=("a.test", "b.test")),),
    alternate_secure_route=(AlternateSecureRoute(unit="/", host="encryptor"),),
)


def test_a_document_does_not_differ_from_itself() -> None:
    assert changes(OLD, OLD) == ()


def test_a_changed_key_has_its_old_and_new_value() -> None:
    (change,) = changes(OLD, OLD.model_copy(update={"host": (ENCRYPTOR.model_copy(update={"require_ca": False}),)}))
    assert (change.event, change.name) == ("host:change", "encryptor")
    assert (change.old_json, change.new_json) == ('{"require_ca": true}', '{"require_ca": false}')


def test_of_a_list_only_what_came_and_went_is_told() -> None:
    entries = ("c.test", "b.test", *(f"{number}.test" for number in range(1000)))
    partners = AddressList(name="partners", entries=entries)
    (change,) = changes(OLD, OLD.model_copy(update={"address_list": (partners,)}))
    assert json.loads(change.old_json) == {"entries": {"removed": ["a.test"]}}
    added = json.loads(change.new_json)["entries"]["added"]
    assert added == ["c.test", *(f"{number}.test" for number in range(1000))]


def test_renaming_is_deleting_and_creating() -> None:
    renamed = ENCRYPTOR.model_copy(update={"name": "gateway"})
    found = changes(OLD, OLD.model_copy(update={"host": (renamed,)}))
    assert [(change.event, change.name) for change in found] == [
        ("host:delete", "encryptor"),
        ("host:create", "gateway"),
    ]
    assert json.loads(found[1].new_json)["primary"] == [{"address": "gw1.example"}]
    assert found[0].new_json == found[1].old_json == ""


def test_routes_and_units_go_by_their_place_in_the_tree() -> None:
    route = AlternateSecureRoute(unit="/Finance", enabled=False)
    new = OLD.model_copy(update={"unit": (Unit(path="/Finance"),), "alternate_secure_route": (route,)})
    told = [(change.event, change.name, change.unit) for change in changes(OLD, new)]
    assert told == [
        ("unit:create", "/Finance", "/Finance"),
        ("alternate_secure_route:delete", "/", "/"),
        ("alternate_secure_route:create", "/Finance", "/Finance"),
    ]


def test_order_means_nothing() -> None:
    partners = AddressList(name="partners", entries=("b.test", "a.test", "b.test"))
    assert changes(OLD, OLD.model_copy(update={"address_list": (partners,)})) == ()


@given(documents, documents)
def test_only_what_differs_is_told_and_both_ways_alike(old: Document, new: Document) -> None:
    forth, back = changes(old, new), changes(new, old)
    assert {change.event for change in forth} <= set(EVENTS)
    assert {(one.noun, one.name) for one in forth} == {(one.noun, one.name) for one in back}
    opposite = {"create": "delete", "delete": "create", "change": "change"}
    there = {(one.noun, one.name): one for one in forth}
    for change in back:
        mirror = there[change.noun, change.name]
        assert change.action == opposite[mirror.action]
        assert {one.field for one in change.fields} == {one.field for one in mirror.fields}
