"""`percorso doctor` and `percorso test-tls` as they face people."""

import json

import pytest

from percorso.operations.doctor import examine
from percorso.operations.doctor.finding import Finding, fail, ok, warn
from percorso.operations.doctor.patient import Patient
from tests.cli.terminal import CommandLine, widest
from tests.network.network import Network
from tests.network.peer import Peer
from tests.network.ways_out import ways_out

FINDINGS = [
    ok("resolver", "answered"),
    warn("PTR of 192.0.2.25", "it is host-25.isp.test, and EHLO says mail1.corp.test", "ask the provider to set it"),
    fail("outbound port 25", "mx.test: \x1b[31mconnection refused", "ask for it to be opened " * 5),
]


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the only check finds."""
    found = list(FINDINGS)

    async def check(patient: Patient) -> list[Finding]:
        assert patient.document is None
        assert patient.addresses == ("192.0.2.25",)
        assert patient.targets == ("mx.test:25",)
        return found

    monkeypatch.setattr(examine, "CHECKS", {"all": check})
    return found


ARGUMENTS = ("doctor", "--address", "192.0.2.25", "--target", "mx.test:25")


def test_findings_as_people_read_them(command: CommandLine, findings: list[Finding]) -> None:
    ran = command.on_terminal(100, *ARGUMENTS)
    assert ran.code == 1
    assert widest(ran.out) <= 100
    assert "✗ FAIL  outbound port 25   mx.test: \\x1b[31mconnection refused\n" in ran.out
    assert "→ ask the provider to set it" in ran.out
    assert ran.out.rstrip().endswith("1 ok, 1 warn, 1 fail")
    del findings[2]
    assert command.on_terminal(100, *ARGUMENTS).code == 0


def test_findings_in_json(command: CommandLine, findings: list[Finding]) -> None:
    ran = command.run(*ARGUMENTS, "--json")
    told = json.loads(ran.out)
    assert (ran.code, [one["health"] for one in told]) == (1, ["ok", "warn", "fail"])
    assert told[0] == {"check": "resolver", "health": "ok", "seen": "answered", "mend": ""}
    assert len(findings) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor", "--address", "mail1.corp.test"),
        ("doctor", "--target", "mx.test:0"),
        ("test-tls",),
        ("test-tls", "bank.test:port"),
        ("test-tls", "bank..test"),
        ("test-tls", "bank.test", "--require", "everything"),
    ],
)
def test_used_wrongly(command: CommandLine, arguments: tuple[str, ...]) -> None:
    assert command.run(*arguments).code == 2


def bank() -> Network:
    network = Network()
    network.domain("bank.test", Peer("mx.bank.test"))
    return network


def test_tls_as_people_read_it(command: CommandLine) -> None:
    command.network = ways_out(bank())
    ran = command.on_terminal(100, "test-tls", "bank.test", "--require", "host")
    assert ran.code == 0
    shown = [line.split()[:2] for line in ran.out.splitlines()]
    assert ["✓", "handshake"] in shown
    assert ["✓", "requirement"] in shown
    assert "names        mx.bank.test" in ran.out
    assert "meets it; level host" in ran.out


def test_tls_in_json(command: CommandLine) -> None:
    network = bank()
    network.domain("plain.test", Peer("mx.plain.test", credential=None))
    command.network = ways_out(network)
    ran = command.run("test-tls", "PLAIN.test", "--require", "encrypted", "--json")
    report = json.loads(ran.out)
    assert ran.code == 1
    assert report["destination"] == "plain.test"
    assert report["servers"][0]["failure"] == "starttls-not-supported: not offered"
    assert [step["name"] for step in report["steps"]] == ["DNS", "connect", "EHLO", "STARTTLS"]
