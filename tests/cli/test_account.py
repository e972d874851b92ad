"""`percorso account` and `percorso secret`: passwords come in by pipe, file or prompt, and go out nowhere."""

import io
import json
import sys
from pathlib import Path

import pytest

from percorso.access.passwords import is_password
from tests.cli.terminal import CommandLine, Ran

SETTINGS = '[organization]\ndomains = ["corp.test"]\n'
ADD = ("account", "add", "anna", "--address", "anna@corp.test")


@pytest.fixture
def node(command: CommandLine, tmp_path: Path) -> CommandLine:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    assert command.run("settings", "apply", "settings.toml").code == 0
    return command


def piped(node: CommandLine, monkeypatch: pytest.MonkeyPatch, given: bytes, *arguments: str) -> Ran:
    """With something on standard input."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        return node.run(*arguments)


def password_of(node: CommandLine, account: str = "anna") -> str:
    return node.node.passwords.get(account)


def test_a_password_by_pipe(node: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = piped(node, monkeypatch, "tàlpa 1234\n".encode(), *ADD, "--unit", "/", "--rate", "100/1h")
    assert (ran.code, ran.out) == (0, "version 2 is in force: the account anna may send\n")
    assert is_password(password_of(node), "tàlpa 1234")
    assert "1234" not in ran.out + ran.err


def test_a_password_from_a_file(node: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("tàlpa 1234\r\n")
    assert node.run(*ADD, "--password-file", "password").code == 0
    assert is_password(password_of(node), "tàlpa 1234")
    missing = node.run("account", "password", "anna", "--password-file", "nowhere")
    assert missing.code == 2
    assert "nowhere cannot be read" in missing.err


def test_a_generated_password_is_shown_once(node: CommandLine) -> None:
    ran = node.run(*ADD, "--generate")
    password = ran.out.splitlines()[1].removeprefix("password: ")
    assert is_password(password_of(node), password)
    assert ran.out.endswith("It is not shown again.\n")
    as_json = json.loads(node.run("account", "password", "anna", "--generate", "--json").out)
    assert as_json["name"] == "anna"
    assert is_password(password_of(node), as_json["password"])


def test_generate_and_a_file_do_not_go_together(node: CommandLine) -> None:
    assert node.run(*ADD, "--generate", "--password-file", "x").code == 2
    assert not password_of(node)


@pytest.mark.parametrize("given", [b"", b"2 brief\n", b"\xff\xfe1234567\n", b"two\nlines of it\n"])
def test_what_is_no_password(node: CommandLine, monkeypatch: pytest.MonkeyPatch, given: bytes) -> None:
    ran = piped(node, monkeypatch, given, *ADD)
    assert ran.code == 2
    assert ran.err.startswith("percorso: the password ")
    assert node.node.settings.newest().version == 1


def test_list_and_remove(node: CommandLine) -> None:
    node.run(*ADD, "--address", "shop@corp.test", "--generate", "--rate", "5/1m")
    listed = node.run("account", "list")
    assert listed.out.splitlines() == [
        "Account  Unit  Rate  Password  Addresses",
        "anna     /     5/1m  set       anna@corp.test shop@corp.test",
    ]
    (one,) = json.loads(node.run("account", "list", "--json").out)
    assert one["has_password"] is True
    assert node.run("account", "remove", "anna").out == "version 3 is in force: there is no account anna any more\n"
    assert node.run("account", "list", "--json").out.strip() == "[]"
    assert node.run("account", "remove", "anna").code == 1
    assert node.run("account", "password", "anna", "--generate").code == 1


def test_a_bad_account_says_what_to_do(node: CommandLine) -> None:
    ran = node.run("account", "add", "anna", "--address", "else.test", "--generate")
    assert ran.code == 1
    assert "list addresses of it one by one" in ran.err
    assert ran.out == ""


def test_secrets(node: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = piped(node, monkeypatch, b"s3cret\n", "secret", "set", "gw")
    assert (ran.code, ran.out) == (0, "the secret gw is set on this node\n")
    assert node.node.secrets.get("gw") == b"s3cret"
    (tmp_path / "pem").write_bytes(b"a\nb\n")
    assert node.run("secret", "set", "certificate", "--file", "pem").code == 0
    assert node.node.secrets.get("certificate") == b"a\nb\n"
    assert node.run("secret", "list").out == "certificate\ngw\n"
    assert node.run("secret", "remove", "gw").code == 0
    assert node.run("secret", "remove", "gw").code == 1
    assert json.loads(node.run("secret", "list", "--json").out) == ["certificate"]
    shown = node.run("audit", "list").out + node.run("settings", "export").out
    assert "s3cret" not in shown
    assert "secret:remove  gw" in shown


@pytest.mark.parametrize(("given", "name"), [(b"\n", "gw"), (b"x", "../gw")])
def test_what_is_no_secret(node: CommandLine, monkeypatch: pytest.MonkeyPatch, given: bytes, name: str) -> None:
    assert piped(node, monkeypatch, given, "secret", "set", name).code == 2
    assert not node.node.secrets.kept


def test_a_secret_is_no_argument(node: CommandLine) -> None:
    """Arguments are for everyone on the machine to read."""
    assert node.run("secret", "set", "gw", "s3cret").code == 2
    assert node.run(*ADD, "--password", "tàlpa 1234").code == 2


def test_typed_twice_and_not_echoed(node: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return "s3cret typed"

    with monkeypatch.context() as patch:
        terminal = io.StringIO()
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        patch.setattr(sys, "stdin", terminal)
        patch.setattr("typer._click.termui.hidden_prompt_func", typed)
        ran = node.run("secret", "set", "gw")
    assert (ran.code, len(asked)) == (0, 2)
    assert node.node.secrets.get("gw") == b"s3cret typed"
    assert "s3cret" not in ran.out + ran.err


def test_send_needs_a_listener_without_accounts(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "percorso.toml").write_text('[[listener]]\nrole = "submission"\n')
    ran = command.run("send", "--from", "anna@corp.test", "--to", "bob@bank.test")
    assert ran.code == 2
    assert "every listener is for accounts" in " ".join(ran.err.replace("│", "").split())
