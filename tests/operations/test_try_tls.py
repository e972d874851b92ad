"""TLS tried step by step, on the in-memory network."""

import pytest

from percorso.core.delivery.mends import MENDS
from percorso.core.tls.result import FailureType
from percorso.operations.test_tls import Destination, Report, try_tls
from percorso.operations.tls_trial import Step as Seen
from tests.network.credential import Credential
from tests.network.network import Network
from tests.network.peer import Fault, Peer, Step
from tests.network.ways_out import ways_out
from tests.proof.settings_in_memory import MemorySettings, document

SETTINGS = """
[organization]
domains = ["corp.test"]
[[host]]
name = "encryptor"
primary = [{ address = "gw.corp.test", port = 587 }]
secondary = [{ address = "gw2.corp.test" }]
validate_hostname = false
[[address_list]]
name = "partners"
entries = ["bank.test"]
[[tls_compliance]]
name = "Partners need TLS"
lists = ["partners"]
"""
SELF_SIGNED = Credential(trusted=False)
OTHER_NAME = Credential(names=("other.test",))


async def tried(destination: Destination, *servers: Peer, level: str = "") -> Report:
    network = Network()
    network.domain("bank.test", *servers)
    told: list[Seen] = []
    report = await try_tls(destination, MemorySettings(document(SETTINGS)), ways_out(network), level, told.append)
    assert tuple(told) == report.steps
    assert all(step.mend and step.by for step in report.steps if not step.well)
    assert not network.accepted
    assert network.exposed(lambda _: False) == []
    assert all(wire.closed for wire in network.wires)
    return report


BANK = Destination(name="bank.test")


def names(report: Report, *, well: bool) -> list[str]:
    return [step.name for step in report.steps if step.well is well]


async def test_it_takes_its_leave() -> None:
    network = Network()
    network.domain("bank.test", Peer("mx.bank.test"))
    await try_tls(BANK, MemorySettings(document(SETTINGS)), ways_out(network))
    (wire,) = network.wires
    assert bytes(wire.phases[-1].data).endswith(b"QUIT\r\n")


async def test_every_step_of_a_good_server() -> None:
    report = await tried(BANK, Peer("mx.bank.test"))
    steps = ["DNS", "connect", "EHLO", "STARTTLS", "handshake", "chain", "name", "EHLO over TLS", "requirement"]
    assert names(report, well=True) == steps
    assert report.met
    assert "required-direct, by tls_compliance/Partners need TLS; such mail goes direct to bank.test" in report.because
    (server,) = report.servers
    assert (server.level, server.failure, server.tls) == ("host", "", "TLS 1.3 TLS_AES_256_GCM_SHA384")
    assert server.chain[0].names == ("mx.bank.test",)


@pytest.mark.parametrize(
    ("server", "level", "failure", "bad"),
    [
        (Peer("mx.bank.test", credential=None), "none", "starttls-not-supported", ["STARTTLS"]),
        (
            Peer("mx.bank.test", script={Step.STARTTLS: "454 4.7.0 no"}),
            "none",
            "starttls-not-supported",
            ["STARTTLS"],
        ),
        (Peer("mx.bank.test", script={Step.HANDSHAKE: Fault.FAIL}), "none", "tls-handshake-failure", ["handshake"]),
        (
            Peer("mx.bank.test", credential=SELF_SIGNED),
            "encrypted",
            "certificate-not-trusted",
            ["chain", "requirement"],
        ),
        (Peer("mx.bank.test", credential=OTHER_NAME), "ca", "certificate-host-mismatch", ["name", "requirement"]),
        (
            Peer("mx.bank.test", credential=Credential(expired=True)),
            "encrypted",
            "certificate-expired",
            ["chain", "requirement"],
        ),
        (Peer("mx.bank.test", script={Step.DIAL: Fault.DROP}), "none", "", ["connect"]),
        (Peer("mx.bank.test", script={Step.GREETING: "554 5.7.1 go away"}), "none", "", ["greeting"]),
        (Peer("mx.bank.test", script={Step.EHLO_TLS: "550 5.7.1 no"}), "host", "", ["EHLO over TLS"]),
        (Peer("mx.bank.test", script={Step.EHLO: Fault.SILENCE}), "none", "", ["EHLO"]),
    ],
)
async def test_what_is_not_well(server: Peer, level: str, failure: str, bad: list[str]) -> None:
    report = await tried(BANK, server)
    assert not report.met
    (seen,) = report.servers
    assert (seen.level, seen.failure.partition(":")[0], names(report, well=False)) == (level, failure, bad)


@pytest.mark.parametrize(
    ("level", "met"), [("encrypted", [True, True]), ("ca", [False, True]), ("host", [False, False])]
)
async def test_a_requirement_can_be_given(level: str, met: list[bool]) -> None:
    servers = (Peer("mx1.bank.test", credential=SELF_SIGNED), Peer("mx2.bank.test", credential=OTHER_NAME))
    report = await tried(BANK, *servers, level=level)
    assert [server.met for server in report.servers] == met
    assert report.met is all(met)
    assert report.because == "asked for"


async def test_nothing_is_required_of_others_and_still_all_is_told() -> None:
    network = Network()
    network.domain("shop.test", Peer("mx.shop.test", credential=None))
    settings = MemorySettings(document(SETTINGS))
    report = await try_tls(Destination(name="shop.test"), settings, ways_out(network))
    assert (report.requirement, report.met, report.servers[0].level) == ("opportunistic", True, "none")
    assert names(report, well=False) == ["STARTTLS"]


async def test_a_server_of_a_configured_host() -> None:
    network = Network()
    network.add(Peer("gw.corp.test", port=587, credential=OTHER_NAME))
    settings = MemorySettings(document(SETTINGS))
    report = await try_tls(Destination(name="gw.corp.test", port=587), settings, ways_out(network))
    assert (report.met, report.because) == (True, "host encryptor of settings version 1")
    assert len(report.servers) == 1
    assert names(report, well=False) == []
    assert any(step.seen.endswith("that is not required") for step in report.steps if step.name == "name")


async def test_a_key_that_changed_is_ours_to_look_at() -> None:
    network = Network()
    network.add(Peer("gw.corp.test", port=587, credential=SELF_SIGNED))
    text = SETTINGS.replace("validate_hostname = false", f'pin = "{"0" * 64}"')
    report = await try_tls(
        Destination(name="gw.corp.test", port=587), MemorySettings(document(text)), ways_out(network)
    )
    last = report.steps[-1]
    assert (last.name, last.well, last.by) == ("requirement", False, "us")
    assert SELF_SIGNED.spki in last.mend


@pytest.mark.parametrize("implicit", [True, False])
async def test_any_other_server_is_asked_what_a_host_is_asked(implicit: bool) -> None:
    network = Network()
    network.add(Peer("relay.test", port=465, implicit_tls=implicit, credential=OTHER_NAME))
    where = Destination(name="relay.test", port=465, implicit_tls=implicit)
    report = await try_tls(where, MemorySettings(document(SETTINGS)), ways_out(network))
    assert report.servers[0].failure.startswith("certificate-host-mismatch")
    assert ("STARTTLS" in names(report, well=True)) is not implicit


async def test_there_is_no_server() -> None:
    report = await try_tls(Destination(name="nowhere.test"), MemorySettings(document(SETTINGS)), ways_out(Network()))
    assert (report.met, report.servers, names(report, well=False)) == (False, (), ["DNS"])


async def test_an_address_without_a_name_is_told_what_to_do() -> None:
    network = Network()
    network.add(Peer("192.0.2.7", address="192.0.2.7", port=587))
    report = await try_tls(
        Destination(name="192.0.2.7", port=587), MemorySettings(document(SETTINGS)), ways_out(network)
    )
    assert "an IP address has no name to compare" in report.servers[0].failure


def test_every_failure_has_a_mend() -> None:
    assert set(MENDS) == set(FailureType)
