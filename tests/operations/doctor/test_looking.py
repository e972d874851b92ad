"""What the checks see: of real folders, real listeners, and an in-memory network."""

import asyncio
import os
import socket
import threading
from pathlib import Path

import pytest

from percorso.config.schema import Listener
from percorso.operations.doctor import certificates, clock, disk, examine, files, names, ports, relay, resolver, spf
from percorso.operations.doctor.finding import Finding, Health
from percorso.operations.doctor.patient import Patient, own_addresses
from tests.net.authority import authority, server
from tests.network.network import Network
from tests.network.peer import Fault, Peer, Step
from tests.operations.doctor import patient
from tests.proof.settings_in_memory import document

SETTINGS = '[organization]\ndomains = ["corp.test", ".corp.test"]\n'
OUR_ADDRESS = "192.0.2.25"


@pytest.fixture
def network() -> Network:
    network = Network()
    network.domain("bank.test", Peer("mx.bank.test"))
    network.add(Peer("gw.corp.test", port=587))
    network.names.host("mail1.corp.test", OUR_ADDRESS)
    network.names.set("25.2.0.192.in-addr.arpa", "PTR", "mail1.corp.test.")
    network.names.mx("corp.test", (10, "mail1.corp.test"))
    network.names.set("corp.test", "TXT", '"google-site-verification=x"', '"v=spf1 mx " "-all"')
    return network


def said(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, str(finding.health)) for finding in findings]


async def test_the_way_out(tmp_path: Path, network: Network) -> None:
    found = await ports.check(patient(tmp_path, network, targets=("bank.test", "gw.corp.test:587")))
    assert said(found) == [("outbound port 25", "ok"), ("outbound port 587", "ok")]
    assert "mx.bank.test" in found[0].seen
    assert not any(phase.data for wire in network.wires for phase in wire.phases)
    assert all(wire.closed for wire in network.wires)


@pytest.mark.parametrize(
    ("told", "sources", "public", "private"),
    [
        ((), ("10.0.0.2", "8.8.4.4"), ("8.8.4.4",), ("10.0.0.2",)),
        (("10.0.0.2",), ("8.8.4.4",), ("10.0.0.2",), ()),
    ],
)
def test_where_our_mail_comes_from(
    tmp_path: Path, told: tuple[str, ...], sources: tuple[str, ...], public: tuple[str, ...], private: tuple[str, ...]
) -> None:
    own = own_addresses(patient(tmp_path, addresses=told, delivery={"source_addresses": sources}))
    assert (own.public, own.private) == (public, private)


@pytest.mark.parametrize(
    "script", [{Step.DIAL: Fault.SILENCE}, {Step.GREETING: "554 go away"}, {Step.DIAL: Fault.DROP}]
)
async def test_no_way_out(tmp_path: Path, script: dict[Step, Fault | str]) -> None:
    network = Network()
    network.domain("bank.test", Peer("mx.bank.test", script=script))
    found = await ports.check(patient(tmp_path, network, targets=("bank.test",)))
    assert said(found) == [("outbound port 25", "fail")]


async def test_a_name_that_is_not_found_says_nothing_of_the_port(tmp_path: Path, network: Network) -> None:
    network.names.fail("bank.test")
    found = await ports.check(patient(tmp_path, network, targets=("bank.test",)))
    assert said(found) == [("outbound port 25", "unknown")]


async def test_the_resolver(tmp_path: Path, network: Network) -> None:
    network.names.host("signed.test", "192.0.2.1")
    network.names.authenticated.add("signed.test")
    network.names.fail("bogus.test", bogus=True)
    dns = {"probe_valid": "signed.test", "probe_bogus": "bogus.test"}
    found = await resolver.check(patient(tmp_path, network, document=document(SETTINGS), dns=dns))
    assert said(found) == [("resolver", "ok"), ("DNSSEC", "ok")]
    network.names.mend("bogus.test")
    network.names.host("bogus.test", "192.0.2.2")
    found = await resolver.check(patient(tmp_path, network, document=document(SETTINGS), dns=dns))
    assert said(found) == [("resolver", "ok"), ("DNSSEC", "fail")]


async def test_a_resolver_that_fails(tmp_path: Path, network: Network) -> None:
    network.names.fail("corp.test")
    found = await resolver.check(patient(tmp_path, network, document=document(SETTINGS)))
    assert said(found) == [("resolver", "fail"), ("DNSSEC", "unknown")]


async def test_names_and_spf(tmp_path: Path, network: Network) -> None:
    node = patient(tmp_path, network, document=document(SETTINGS), addresses=(OUR_ADDRESS,))
    assert said(await names.check(node)) == [("HELO name", "ok"), (f"PTR of {OUR_ADDRESS}", "ok")]
    assert said(await spf.check(node)) == [("SPF of corp.test", "ok")]


async def test_names_and_spf_of_another_address(tmp_path: Path, network: Network) -> None:
    node = patient(tmp_path, network, document=document(SETTINGS), addresses=("192.0.2.99",))
    assert said(await names.check(node)) == [("HELO name", "warn"), ("PTR of 192.0.2.99", "fail")]
    (finding,) = await spf.check(node)
    assert (finding.health, finding.mend) == (
        Health.FAIL,
        "add `ip4:192.0.2.99` to the record of corp.test, before its `all`",
    )


async def test_a_pointer_that_does_not_lead_back(tmp_path: Path, network: Network) -> None:
    network.names.set("26.2.0.192.in-addr.arpa", "PTR", "mail1.corp.test.")
    found = await names.check(patient(tmp_path, network, addresses=("192.0.2.26",)))
    assert said(found)[1] == ("PTR of 192.0.2.26", "fail")


async def test_the_clock_agrees_with_the_disk(tmp_path: Path) -> None:
    (finding,) = await clock.check(patient(tmp_path))
    assert "disk" not in finding.seen
    assert finding.health is not Health.FAIL


def test_the_disk(tmp_path: Path) -> None:
    seen = disk.look(tmp_path)
    assert seen.problem == ""
    assert 0 < seen.free <= seen.total
    assert len(seen.fsyncs) > 0
    assert seen.filesystem
    assert list(tmp_path.iterdir()) == []
    assert disk.look(tmp_path / "nowhere").problem == "No such file or directory"


def test_files_are_looked_at_where_others_get(tmp_path: Path) -> None:
    closed, open_ = tmp_path / "queue", tmp_path / "tls"
    for folder, mode in ((closed, 0o700), (open_, 0o755)):
        folder.mkdir()
        (folder / "file").touch()
        (folder / "file").chmod(0o644)
        folder.chmod(mode)
    key = tmp_path / "private.key"
    key.touch()
    key.chmod(0o604)
    tmp_path.chmod(0o755)
    (tmp_path / "link").symlink_to("/etc/passwd")
    (finding,) = files.judge(str(tmp_path), files.look(tmp_path, [key]))
    assert f"{open_}/file (0644)" in finding.seen
    assert f"{closed}/file" not in finding.seen
    assert f"`chmod 640 {key}`" in finding.mend
    tmp_path.chmod(0o700)
    assert files.judge(str(tmp_path), files.look(tmp_path, []))[0].health is Health.OK


async def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = authority()
    (tmp_path / "ca.pem").write_bytes(ca.chain_pem)
    certificate, key = server(ca, "mail1.corp.test").write(tmp_path)
    tls = {"certificate": certificate, "key": key, "ca_file": tmp_path / "ca.pem"}
    found = await certificates.check(patient(tmp_path, tls=tls))
    assert said(found) == [("certificate", "ok"), ("CA file of [tls]", "ok")]
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    assert said(await certificates.check(patient(tmp_path, tls={"certificate": certificate, "key": key}))) == [
        ("certificate", "warn")
    ]
    assert said(await certificates.check(patient(tmp_path))) == [("certificate", "unknown")]
    host = f'{SETTINGS}[[host]]\nname = "gw"\nprimary = [{{ address = "gw.test" }}]\nca_file = "{tmp_path}/none.pem"\n'
    found = await certificates.check(patient(tmp_path, document=document(host)))
    assert said(found)[1] == ("CA file of host gw", "fail")
    key.write_text("no key")
    assert said(await certificates.check(patient(tmp_path, tls={"certificate": certificate, "key": key}))) == [
        ("certificate", "fail")
    ]


class Server:
    """One connection of a listener that answers MAIL and RCPT as told, and keeps what it was told."""

    def __init__(self, mail: str, rcpt: str = "250 ok") -> None:
        self.lines: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._replies = {"EHLO": "250 here", "MAIL": mail, "RCPT": rcpt, "QUIT": "221 bye"}
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 hello\r\n")
            for line in stream:
                self.lines.append(line.decode().strip())
                stream.write(f"{self._replies[line[:4].decode().upper()]}\r\n".encode())
                if line.upper().startswith(b"QUIT"):
                    break

    def close(self) -> None:
        self._thread.join(10)
        self._listener.close()


@pytest.mark.parametrize(
    ("mail", "rcpt", "expected"),
    [("550 not yours", "250 ok", "ok"), ("250 ok", "550 no", "ok"), ("250 ok", "250 ok", "fail")],
)
def test_listeners_are_asked(mail: str, rcpt: str, expected: str) -> None:
    listener = Server(mail, rcpt)
    seen = relay.look(Listener(address=f"127.0.0.1:{listener.port}"))
    listener.close()
    assert [finding.health for finding in relay.judge(seen)] == [expected]
    assert listener.lines[-1].upper() == "QUIT"
    assert not any(line.upper().startswith("DATA") for line in listener.lines)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    assert relay.look(Listener(address=f"127.0.0.1:{port}")).running is False


async def test_the_whole_examination(tmp_path: Path, network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        free = closing.getsockname()[1]
    told: list[tuple[str, int]] = []
    node = patient(tmp_path, network, document=document(SETTINGS), listener=[{"address": f"127.0.0.1:{free}"}])
    found = await examine.examine(node, lambda name, left: told.append((name, left)))
    assert {name for name, _ in told} == set(examine.CHECKS)
    assert told[-1][1] == 0
    checks = [finding.check for finding in found]
    assert checks.index("resolver") < checks.index("clock") < checks.index("settings")


async def test_a_check_that_hangs_ends_alone(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: Patient) -> list[Finding]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(examine, "PATIENCE", 0.05)
    monkeypatch.setattr(examine, "CHECKS", {"SPF": hang, "names": names.check})
    found = await examine.examine(patient(tmp_path, network, addresses=(OUR_ADDRESS,)))
    assert said(found)[0] == ("SPF", "unknown")
    assert len(found) == 3
    assert examine.healthy(found)
