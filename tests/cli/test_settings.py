"""`percorso settings` as an operator uses it."""

import json
from pathlib import Path

import pytest
import trustme

from percorso.core.mail.address import parse_address
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.decide import decide
from percorso.core.policy.facts import Facts, HeaderField
from percorso.operations.settings_file import read_settings
from tests.cli.terminal import CommandLine
from tests.operations.test_relax import keeping

SETTINGS = """\
[organization]
domains = ["corp.test"]

[[host]]
name = "encryptor"
primary = [{ address = "gw1.example" }]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    return "settings.toml"


def test_check(command: CommandLine, file: str) -> None:
    ran = command.run("settings", "check", file)
    assert (ran.code, ran.out) == (0, "settings.toml: can be applied (1 host)\n")


def test_the_example_can_be_applied_and_requires_tls_by_subject(command: CommandLine, file: str) -> None:
    Path(file).write_text(command.run("settings", "example").out)
    ran = command.run("settings", "check", file)
    assert (ran.code, ran.err) == (0, "")
    document = read_settings(Path(file)).document
    subject = HeaderField(name="subject", raw="Re: [Secure] Offer", decoded="Re: [Secure] Offer")
    facts = Facts(sender=parse_address("a@corp.test"), recipient=parse_address("b@other.test"), headers=(subject,))
    decision = decide(facts, compile_settings(document, 1))
    assert decision.rules == ("routing_rule/Secure by subject", "alternate_secure_route/")
    assert [hop.requirement.encrypted for hop in decision.hops] == [True, True]


def test_a_public_ca_of_ones_own_is_warned_of(command: CommandLine, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    public, private = trustme.CA(organization_name="Public").cert_pem, trustme.CA().cert_pem
    public.write_to_path("public.pem")
    private.write_to_path("private.pem")
    store = Path("store.pem")
    store.write_bytes(b"# a comment\n" + trustme.CA().cert_pem.bytes() + public.bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setenv("SSL_CERT_FILE", str(store.absolute()))
    for name, warned in (("public.pem", True), ("private.pem", False)):
        Path(file).write_text(f'{SETTINGS}ca_file = "{Path(name).absolute()}"\n')
        ran = command.run("settings", "check", file)
        assert ran.code == 0
        assert ("holds 1 CA that this machine trusts" in " ".join(ran.err.split())) is warned


def test_check_tells_every_problem_and_ends_with_2(command: CommandLine, file: str) -> None:
    Path(file).write_text(SETTINGS.replace('"gw1.example"', '"gw1.example", load = 90, wait = 3'))
    Path(file).write_text(Path(file).read_text() + '\n[[routing_rule]]\nname = "r"\nmatch = { list = "none" }\n')
    ran = command.run("settings", "check", file)
    assert ran.code == 2
    assert ran.err.splitlines() == [
        'settings.toml:6: host "encryptor": primary[0]: unknown key "wait"; known here: address, port, load',
        'settings.toml:10: routing_rule "r": there is no address_list "none"; add [[address_list]] with that name',
    ]
    assert ran.out == ""
    as_json = command.run("settings", "check", file, "--json")
    assert as_json.code == 2
    problems = json.loads(as_json.out)["problems"]
    assert [(problem["line"], problem["path"]) for problem in problems] == [
        (6, "host[0].primary[0].wait"),
        (10, "routing_rule[0].match.list"),
    ]


def test_a_bad_document_is_not_applied(command: CommandLine, file: str) -> None:
    Path(file).write_text("[organization\n")
    for verb in ("check", "plan", "apply"):
        ran = command.run("settings", verb, file)
        assert ran.code == 2
        assert ran.err.startswith("settings.toml:1:14: ")
    assert command.node.settings.newest().version == 0


def test_apply_without_a_terminal_does_not_ask(command: CommandLine, file: str) -> None:
    ran = command.run("settings", "apply", file, "--comment", "first")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "~ organization",
        "    domains: + corp.test",
        '+ host "encryptor"',
        '    name = "encryptor"',
        '    primary = [{"address": "gw1.example"}]',
        "against version 0: 1 to create, 1 to change",
        "version 1 is in force",
    ]
    version = command.node.settings.newest()
    assert (version.version, version.comment) == (1, "first")
    assert version.actor.endswith(")")


def test_apply_on_a_terminal_asks(command: CommandLine, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def no(question: str, **_: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", no)
    ran = command.run("settings", "apply", file)
    assert (ran.code, asked) == (1, ["Apply this?"])
    assert ran.err == "nothing was changed\n"
    assert command.node.settings.newest().version == 0
    assert command.run("settings", "apply", file, "--yes").code == 0
    assert len(asked) == 1


def test_a_change_in_between_is_a_conflict(command: CommandLine, file: str) -> None:
    exported = command.run("settings", "export").out
    command.run("settings", "apply", file)
    Path("exported.toml").write_text(exported)
    for verb in ("plan", "apply"):
        ran = command.run("settings", verb, "exported.toml")
        assert ran.code == 1
        assert "based on version 0, but version 1 is in force" in ran.err
    assert command.node.settings.newest().version == 1


def test_export_history_and_rollback(command: CommandLine, file: str) -> None:
    command.run("settings", "apply", file)
    exported = command.run("settings", "export").out
    assert exported.startswith("base = 1\n\n[organization]\n")
    Path(file).write_text(exported.replace("gw1", "gw2"))
    assert command.run("settings", "apply", file).code == 0
    assert 'address = "gw1.example"' in command.run("settings", "export", "--version", "1").out
    assert command.run("settings", "rollback", "1").code == 0
    assert command.run("settings", "export").out == exported.replace("base = 1", "base = 3")
    history = command.run("settings", "history").out.splitlines()
    assert history[0].split() == ["Version", "When", "Who", "Comment"]
    assert [line.split()[0] for line in history[1:]] == ["3", "2", "1", "0"]
    assert history[1].endswith("back to version 1")
    assert json.loads(command.run("settings", "export", "--json").out)["host"][0]["name"] == "encryptor"


def test_an_unknown_version(command: CommandLine) -> None:
    for arguments in (("rollback", "9"), ("export", "--version", "9")):
        ran = command.run("settings", *arguments)
        assert (ran.code, ran.err) == (
            1,
            "percorso: there is no version 9 of the settings; see `percorso settings history`\n",
        )


def test_answers_for_programs(command: CommandLine, file: str) -> None:
    plan = json.loads(command.run("settings", "plan", file, "--json").out)
    assert (plan["base"], plan["conflict"]) == (0, False)
    assert [(change["noun"], change["action"]) for change in plan["changes"]] == [
        ("organization", "change"),
        ("host", "create"),
    ]
    assert json.loads(command.run("settings", "apply", file, "--json").out) == {"version": 1, "changes": 2}
    assert json.loads(command.run("settings", "history", "--json").out)[0]["version"] == 1


def stricter_than_asked(command: CommandLine) -> None:
    command.node.desk.keeping = [keeping()]


def test_apply_tells_what_keeps_a_stricter_requirement(command: CommandLine, file: str) -> None:
    stricter_than_asked(command)
    ran = command.run("settings", "apply", file)
    assert ran.out.splitlines()[-1] == (
        "1 recipient in the queue keeps a stricter requirement than these settings ask; "
        "to list and relax, apply again with --relax-queued"
    )
    assert command.node.desk.relaxed == []


def test_relax_queued_lists_and_relaxes_also_where_nothing_else_changes(command: CommandLine, file: str) -> None:
    command.run("settings", "apply", file)
    stricter_than_asked(command)
    ran = command.run("settings", "apply", file, "--relax-queued")
    assert ran.code == 0
    assert "bob@bank.test" in ran.out
    assert ran.out.splitlines()[-1] == "1 recipient relaxed"
    assert [one.id for one in command.node.desk.relaxed] == ["4RtqVb0001k"]
    told = json.loads(command.run("settings", "apply", file, "--relax-queued", "--json").out)
    assert told["relaxed"][0] == {
        "id": "4RtqVb0001k",
        "number": 3,
        "sender": "a@corp.test",
        "recipient": "bob@bank.test",
        "old": "encrypted, TLS 1.2 or later",
        "new": "opportunistic",
    }


def test_relax_queued_asks_on_a_terminal(command: CommandLine, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return question == "Apply this?"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", answer)
    stricter_than_asked(command)
    ran = command.run("settings", "apply", file, "--relax-queued")
    assert asked == ["Apply this?", "Relax 1 recipient?"]
    assert (ran.code, ran.err) == (1, "the queue was not changed\n")
    assert command.node.settings.newest().version == 1
    assert command.node.desk.relaxed == []


def test_relax_queued_where_nothing_is_stricter(command: CommandLine, file: str) -> None:
    ran = command.run("settings", "rollback", "0", "--relax-queued")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "nothing in the queue keeps a stricter requirement than these settings ask"


def test_hosts_that_do_not_do_are_told_or_refused(command: CommandLine, file: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    Path(file).write_text(text.replace("gw1.example", "gone.example"), encoding="utf-8")
    refused = command.run("settings", "apply", file, "--strict-hosts")
    assert (refused.code, command.node.settings.newest().version) == (1, 0)
    assert "gone.example has no address\nnothing was changed\n" in refused.err
    ran = command.run("settings", "apply", file)
    assert (ran.code, command.node.settings.newest().version) == (0, 1)
    assert 'warning: host "encryptor": ' in ran.err
    again = command.run("settings", "apply", file, "--strict-hosts")
    assert (again.code, again.err) == (0, "")
