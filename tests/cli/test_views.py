"""Queue, delivery log, audit log and explanations: in a pipe, and on terminals of 80 and 160 columns."""

import json

import pytest

from percorso.core.evidence.record import TlsFacts
from percorso.ports.audit import AuditEntry
from tests.cli.terminal import CommandLine, widest
from tests.operations.records import QUEUE_ID, attempt, waiting

ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e[bold]"


@pytest.fixture
def command(command: CommandLine) -> CommandLine:
    command.node.desk.waiting = [waiting(failure="certificate-expired"), waiting(number=1, reply="450 4.2.1 busy")]
    command.node.evidence.records = [attempt(number=1, status="deferred", tls=TlsFacts()), attempt(number=2)]
    return command


def test_the_queue_in_a_pipe_is_a_line_each(command: CommandLine) -> None:
    ran = command.run("queue", "list")
    lines = ran.out.splitlines()
    assert lines[0].split() == ["Queue", "id", "Sender", "Recipient", "Waits", "Tries", "Next", "Why"]
    assert len(lines) == 3
    assert lines[1].startswith(f"{QUEUE_ID}  anna@corp.test  bob@bank.test")
    assert lines[1].endswith("certificate-expired")
    assert lines[2].endswith("450 4.2.1 busy")


def test_a_listing_tells_what_it_leaves_out(command: CommandLine) -> None:
    ran = command.run("queue", "list", "--limit", "1")
    assert f"1 more; go on with --after {QUEUE_ID}/0" in ran.out
    assert json.loads(command.run("queue", "list", "--json").out)["total"] == 2


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("arguments", [("queue", "list"), ("log", "search"), ("log", "show", QUEUE_ID)])
def test_terminals_are_not_overrun(command: CommandLine, width: int, arguments: tuple[str, ...]) -> None:
    ran = command.on_terminal(width, *arguments)
    assert ran.code == 0
    assert widest(ran.out) <= width
    assert "bob@bank.test" in ran.out
    assert "certificate-expired" in ran.out


def test_a_message_that_waits(command: CommandLine) -> None:
    ran = command.run("queue", "show", QUEUE_ID)
    assert ran.code == 0
    assert f"{QUEUE_ID}/0  anna@corp.test → bob@bank.test" in ran.out
    assert "attempt 1 for bob@bank.test: deferred" in ran.out
    command.node.desk.waiting = []
    gone = command.run("queue", "show", QUEUE_ID)
    assert (gone.code, gone.err) == (
        1,
        f"percorso: {QUEUE_ID} is not in the queue; see `percorso log show {QUEUE_ID}`\n",
    )


def test_a_retry(command: CommandLine) -> None:
    ran = command.run("queue", "retry", "--to", "bank.test")
    assert (ran.code, ran.out) == (0, "2 recipients are due now\n")
    assert command.run("queue", "retry", "nowhere").code == 1
    assert command.run("queue", "retry", "--all", "--json").out == '{"recipients": 2}\n'
    assert [record.entry.event for record in command.node.audit.records] == ["queue:retry", "queue:retry"]


def test_a_retry_of_everything_must_be_meant(command: CommandLine) -> None:
    assert command.run("queue", "retry").code == 2
    assert command.run("queue", "retry", QUEUE_ID, "--all").code == 2
    assert not command.node.desk.retried


def test_one_messages_story(command: CommandLine) -> None:
    out = command.run("log", "show", QUEUE_ID).out
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == f"{QUEUE_ID}  from anna@corp.test, 10.0 KiB"
    assert lines[1].endswith("accepted from 192.0.2.44 over TLSv1.3")
    order = [
        "attempt 1 for bob@bank.test: deferred over encryptor",
        "tried mx0.bank.test[192.0.2.9]:25: starttls-not-supported",
        "attempt 2 for bob@bank.test: delivered TLS 1.3",
        "1.3, TLS_AES_256_GCM_SHA384",
        "signed by a trusted CA; names mx1.bank.test; valid until ",
        "alternate-on-failure by tls_compliance/Partners need TLS, alternate_secure_route/ (settings version 3",
        "250 2.0.0 taken",
    ]
    places = [out.find(text) for text in order]
    assert -1 not in places
    assert places[:4] == sorted(places[:4])


def test_what_went_in_plaintext_stands_out(command: CommandLine) -> None:
    command.node.evidence.records = [attempt(tls=TlsFacts())]
    assert "delivered PLAINTEXT" in command.run("log", "show", QUEUE_ID).out
    assert " PLAINTEXT " in command.run("log", "search").out


def test_erased_people_are_not_named(command: CommandLine) -> None:
    command.node.evidence.records = [attempt(erased=True)]
    for arguments in (("log", "show", QUEUE_ID), ("log", "search")):
        out = command.run(*arguments).out
        assert "anna" not in out
        assert "(erased)" in out


def test_a_message_that_nobody_knows(command: CommandLine) -> None:
    command.node.evidence.records = []
    ran = command.run("log", "show", "nothing")
    assert ran.code == 1
    assert "no attempt for nothing is known" in ran.err


def test_what_is_searched(command: CommandLine) -> None:
    command.run("log", "search", "--to", "bank.test", "--plaintext", "--since", "2026-11-23", "--host", "encryptor")
    (asked,) = command.node.evidence.asked
    assert (asked.recipient, asked.secure, asked.host) == ("bank.test", False, "encryptor")
    assert asked.since > 1_795_000_000 - 86_400 * 365
    assert command.run("log", "search", "--status", "delvered").code == 2
    assert command.run("queue", "list", "--failure", "certificate").code == 2
    ran = command.run("log", "search", "--since", "yesterday")
    assert ran.code == 2
    assert "is no time" in ran.err


def test_the_evidence_is_verified(command: CommandLine) -> None:
    ran = command.run("log", "verify")
    assert ran.out.splitlines() == ["mail1/0:2:" + "ab" * 32, "the evidence is whole: 2 records in 1 chains"]
    assert command.run("log", "verify", "--head", ran.out.splitlines()[0]).code == 0
    broken = command.run("log", "verify", "--head", "mail1/0:1:" + "cd" * 32)
    assert (broken.code, broken.err.startswith("percorso: mail1/0 does not pass through")) == (1, True)
    assert command.run("log", "verify", "--head", "nonsense").code == 2


def test_the_audit_log(command: CommandLine) -> None:
    change = AuditEntry(
        at=1_795_000_000.0,
        actor="root (uid 0)",
        source="cli",
        event="tls_compliance:change",
        subject="Partners need TLS",
        old='{"min_tls": "1.2", "lists": {"removed": ["old"]}}',
        new='{"min_tls": "1.3", "lists": {"added": ["partners"]}}',
        version=4,
    )
    command.node.audit.append(change)
    lines = command.run("audit", "list").out.splitlines()
    assert lines[0].startswith("     1  20")
    assert lines[0].endswith("tls_compliance:change  Partners need TLS  by root (uid 0), cli, version 4")
    assert [line.strip() for line in lines[1:]] == ['min_tls  "1.2" → "1.3"', 'lists    - ["old"] + ["partners"]']
    assert json.loads(command.run("audit", "list", "--json").out)[0]["entry"]["subject"] == "Partners need TLS"
    assert command.run("audit", "list", "--event", "host:change").out == ""
    assert command.run("audit", "verify").out == "the audit log is whole: 1 entries\n"
    command.node.audit.broken = True
    assert command.run("audit", "verify").code == 1


@pytest.mark.parametrize("terminal", [False, True])
def test_mail_cannot_command_the_terminal(command: CommandLine, terminal: bool) -> None:
    """Escape sequences, bidirectional overrides, markup and new lines in what came by mail."""
    hostile = f"550 {ESCAPE}\r\nnext line"
    tls = TlsFacts(version="1.3", subject=f"CN={ESCAPE}", issuer=ESCAPE, names=(ESCAPE,), verify_error=ESCAPE)
    command.node.evidence.records = [attempt(reply=hostile, tls=tls)]
    command.node.desk.waiting = [waiting(sender=f'"{ESCAPE}"@corp.test', reply=hostile)]
    command.node.audit.append(
        AuditEntry(at=1.0, actor=ESCAPE, source="cli", event="host:change", new=json.dumps({"x": ESCAPE}))
    )
    for arguments in (
        ("log", "show", QUEUE_ID),
        ("log", "search"),
        ("queue", "list"),
        ("queue", "show", QUEUE_ID),
        ("audit", "list"),
        ("log", "show", QUEUE_ID, "--json"),
    ):
        ran = command.on_terminal(120, *arguments) if terminal else command.run(*arguments)
        assert ran.code == 0
        said = ran.out.replace("\x1b[?25l", "")
        assert not {"\x1b", "\x07", "\u202e", "\r"} & set(said)
        assert "[bold]" in "".join(said.split())


def test_explain(command: CommandLine) -> None:
    ran = command.run("explain", "--from", "anna@corp.test", "--to", "bob@bank.test", "--header", "Subject: offer")
    assert ran.code == 0
    assert ran.out.startswith("anna@corp.test → bob@bank.test, settings version ")
    assert "reason       opportunistic" in ran.out
    trace = json.loads(command.run("explain", "--from", "<>", "--to", "bob@bank.test", "--json").out)["trace"]
    assert trace["decision"]["reason"] == "opportunistic"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "anna", "--to", "bob@bank.test"),
        ("--from", "anna@corp.test", "--to", "<>"),
        ("--from", "anna@corp.test", "--to", "bob@bank.test", "--header", "Subject"),
        ("--from", "anna@corp.test", "--to", "bob@bank.test", "--header", "Subject: a\r\nTo: b"),
        ("--from", "anna@corp.test"),
        ("--from", "anna@corp.test", "--to", "bob@bank.test", "--size", "-1"),
    ],
)
def test_explain_used_wrongly(command: CommandLine, arguments: tuple[str, ...]) -> None:
    ran = command.run("explain", *arguments)
    assert (ran.code, ran.out) == (2, "")


def test_explain_for_an_unknown_account(command: CommandLine) -> None:
    ran = command.run("explain", "--from", "anna@corp.test", "--to", "bob@bank.test", "--user", "nobody")
    assert ran.code == 1
    assert "see `percorso account list`" in ran.err


def test_explain_under_an_unknown_version(command: CommandLine) -> None:
    ran = command.run("explain", "--from", "anna@corp.test", "--to", "bob@bank.test", "--at", "9")
    assert ran.code == 1
    assert "there is no version 9" in ran.err


def test_erasing_a_person(command: CommandLine) -> None:
    ran = command.run("log", "erase", "--address", "anna@corp.test")
    assert (ran.code, command.node.curator.erased) == (0, ["anna@corp.test"])
    assert ran.out.startswith("erased from 3 records")
    assert json.loads(command.run("log", "erase", "--address", "anna@corp.test", "--json").out) == {"records": 3}
    assert command.run("log", "erase", "--address", "anna").code == 2
