"""Accounts and secrets as operators change them: audited, and never shown."""

from pathlib import Path

import msgspec
import pytest

from percorso.access.passwords import is_password
from percorso.core.access.password import BadPassword
from percorso.core.settings.diff import changes
from percorso.core.settings.schema import Account, Document, Host, Organization, Server
from percorso.operations import account as accounts
from percorso.operations import secret as secrets
from percorso.operations.account import CannotChange, Desk
from percorso.operations.settings import Plan, apply
from percorso.ports.secrets import BadSecretName
from percorso.ports.settings import SettingsConflict
from tests.operations.stores_in_memory import ROOT, Node

ANNA = Account(name="anna", addresses=("anna@corp.test",), rate="100/1h")
PASSWORD = "tàlpa 1234"


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = Node(tmp_path)
    new = Document(organization=Organization(domains=("corp.test",)))
    plan = Plan(document=new, base=0, newest=0, changes=changes(Document(), new))
    apply(made.settings, plan, actor=ROOT, now=1.0)
    return made


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(settings=node.settings, passwords=node.passwords, actor=ROOT, now=1000.0)


def events(node: Node) -> list[tuple[str, str]]:
    return [(record.entry.event, record.entry.subject) for record in node.audit.records[1:]]


def test_an_account_from_its_beginning_to_its_end(node: Node, desk: Desk) -> None:
    assert accounts.add(desk, ANNA, PASSWORD) == 2
    assert node.settings.document(2).account == (ANNA,)
    assert is_password(node.passwords.get("anna"), PASSWORD)
    (shown,) = accounts.list_accounts(desk)
    assert (shown.name, shown.addresses, shown.rate, shown.has_password) == ("anna", ANNA.addresses, "100/1h", True)
    accounts.set_password(desk, "anna", "another one")
    assert is_password(node.passwords.get("anna"), "another one")
    assert accounts.remove(desk, "anna") == 3
    assert node.settings.document(3).account == ()
    assert node.passwords.get("anna") == ""
    assert events(node) == [
        ("account:create", "anna"),
        ("account:password", "anna"),
        ("account:password", "anna"),
        ("account:delete", "anna"),
        ("account:password-removed", "anna"),
    ]
    told = msgspec.json.encode(node.audit.records).decode()
    assert "another one" not in told
    assert "$argon2" not in told
    assert PASSWORD not in told


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (ANNA.model_copy(update={"addresses": ("else.test",)}), "is no domain of the organization"),
        (ANNA.model_copy(update={"addresses": ()}), "can send nothing"),
        (ANNA.model_copy(update={"unit": "/None"}), "there is no unit"),
        (ANNA.model_copy(update={"rate": "fast"}), "is not a rate"),
        (ANNA.model_copy(update={"name": " anna"}), "is no name"),
    ],
)
def test_a_bad_account_changes_nothing(node: Node, desk: Desk, account: Account, reason: str) -> None:
    with pytest.raises(CannotChange, match=reason):
        accounts.add(desk, account, PASSWORD)
    assert node.settings.newest().version == 1
    assert not node.passwords.accounts()


def test_a_bad_password_changes_nothing(node: Node, desk: Desk) -> None:
    with pytest.raises(BadPassword):
        accounts.add(desk, ANNA, "2 brief")
    assert node.settings.newest().version == 1


def test_an_account_that_is_there_keeps_its_password(node: Node, desk: Desk) -> None:
    accounts.add(desk, ANNA, PASSWORD)
    with pytest.raises(CannotChange, match="percorso account password anna"):
        accounts.add(desk, ANNA, "another one")
    assert is_password(node.passwords.get("anna"), PASSWORD)


def test_an_account_that_is_not_there(node: Node, desk: Desk) -> None:
    with pytest.raises(CannotChange, match="percorso account list"):
        accounts.set_password(desk, "anna", PASSWORD)
    with pytest.raises(CannotChange, match="percorso account list"):
        accounts.remove(desk, "anna")
    assert events(node) == []


def test_another_change_came_between(node: Node, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read = node.settings.document

    def read_while_another_changes(version: int) -> Document:
        monkeypatch.undo()
        accounts.add(desk, ANNA.model_copy(update={"name": "carla"}), PASSWORD)
        return read(version)

    monkeypatch.setattr(node.settings, "document", read_while_another_changes)
    with pytest.raises(SettingsConflict):
        accounts.add(desk, ANNA, PASSWORD)
    assert node.passwords.accounts() == {"carla"}


def test_a_password_left_by_an_account_that_the_settings_dropped_is_removed(node: Node, desk: Desk) -> None:
    accounts.add(desk, ANNA, PASSWORD)
    bare = node.settings.document(1)
    apply(
        node.settings,
        Plan(document=bare, base=2, newest=2, changes=changes(node.settings.document(2), bare)),
        actor=ROOT,
        now=2.0,
    )
    accounts.remove(desk, "anna")
    assert not node.passwords.accounts()
    assert node.settings.newest().version == 3


def test_generated_passwords() -> None:
    made = {accounts.generate_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(one) == 24 for one in made)


# Secrets


def test_secrets_are_audited_by_name(node: Node) -> None:
    secrets.set_secret(node.secrets, node.audit, "gw", b"s3cret\n", actor=ROOT, now=5.0)
    assert node.secrets.get("gw") == b"s3cret"
    assert secrets.list_secrets(node.secrets) == ["gw"]
    secrets.remove_secret(node.secrets, node.audit, "gw", actor=ROOT, now=6.0)
    assert secrets.list_secrets(node.secrets) == []
    assert events(node) == [("secret:set", "gw"), ("secret:remove", "gw")]
    assert "s3cret" not in msgspec.json.encode(node.audit.records).decode()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"one line", b"one line"),
        (b"one line\n", b"one line"),
        (b"one line\r\n", b"one line"),
        (b" spaces are its own ", b" spaces are its own "),
        (b"-----BEGIN\nx\n-----END\n", b"-----BEGIN\nx\n-----END\n"),
    ],
)
def test_the_line_end_of_one_line_is_no_part_of_a_secret(node: Node, given: bytes, kept: bytes) -> None:
    secrets.set_secret(node.secrets, node.audit, "gw", given, actor=ROOT, now=5.0)
    assert node.secrets.get("gw") == kept


def test_what_is_refused_is_not_audited(node: Node) -> None:
    with pytest.raises(secrets.EmptySecret):
        secrets.set_secret(node.secrets, node.audit, "gw", b"\n", actor=ROOT, now=5.0)
    with pytest.raises(BadSecretName):
        secrets.set_secret(node.secrets, node.audit, "../gw", b"x", actor=ROOT, now=5.0)
    with pytest.raises(secrets.NoSuchSecret):
        secrets.remove_secret(node.secrets, node.audit, "gw", actor=ROOT, now=5.0)
    assert events(node) == []


def test_secrets_that_this_node_does_not_have(node: Node) -> None:
    host = Host(
        name="gw",
        primary=(Server(address="gw.example"),),
        username="us",
        password_secret="gw-password",
        client_certificate_secret="gw-certificate",
    )
    document = Document(host=(host,))
    node.secrets.kept["gw-password"] = b"x"
    (missing,) = secrets.missing_secrets(document, node.secrets)
    assert missing == (
        'host "gw": client_certificate_secret = "gw-certificate" is not on this node; '
        "set it with `percorso secret set gw-certificate` on every node"
    )
