"""What each check makes of what it saw: pure, case by case."""

import stat

import pytest

from percorso.core.settings.schema import Document, Host, Server
from percorso.core.tls.handshake import Certificate, ChainVerdict
from percorso.lookups.spf import Spf, SpfAnswer
from percorso.operations.doctor import certificates, clock, disk, files, names, ports, relay, resolver, settings, spf
from percorso.operations.doctor.finding import Finding, Health
from tests.proof.settings_in_memory import document

OK, WARN, FAIL, UNKNOWN = Health.OK, Health.WARN, Health.FAIL, Health.UNKNOWN
NOW = 1_800_000_000.0
GIB = 1024**3


def healths(findings: list[Finding]) -> list[Health]:
    assert all(finding.seen for finding in findings)
    assert all(bool(finding.mend) for finding in findings if finding.health in {WARN, FAIL})
    return [finding.health for finding in findings]


def refused(port: int) -> ports.Tried:
    return ports.Tried(target=f"mx.test:{port}", port=port, problem="connection refused")


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        ((ports.Tried(target="mx.test:25", port=25, greeting="220 hello"),), [OK]),
        ((refused(25), ports.Tried(target="mx.test:25", port=25)), [OK]),
        ((refused(25), refused(587)), [FAIL, WARN]),
        ((refused(2525),), [FAIL]),
        ((ports.Tried(target="mx.test", port=25, problem="no answer", lookup_failed=True),), [UNKNOWN]),
        ((ports.Tried(target="mx.test:25", port=25, problem="network is unreachable"),), [FAIL]),
    ],
)
def test_ports(tried: tuple[ports.Tried, ...], expected: list[Health]) -> None:
    assert healths(ports.judge(tried)) == expected


def test_no_way_out_is_said_plainly() -> None:
    (finding,) = ports.judge([ports.Tried(target="mx.test:25", port=25, problem="network is unreachable")])
    assert finding.seen.startswith("this machine has no way out")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"problem": "timed out"}, [FAIL, UNKNOWN]),
        ({}, [OK, UNKNOWN]),
        ({"seconds": 3.0}, [WARN, UNKNOWN]),
        ({"exists": False}, [WARN, UNKNOWN]),
        ({"probe_valid": "ok.test", "valid_authenticated": True}, [OK, OK]),
        ({"probe_valid": "ok.test"}, [OK, WARN]),
        ({"probe_valid": "ok.test", "valid_problem": "SERVFAIL"}, [OK, WARN]),
        (
            {"probe_valid": "ok.test", "valid_authenticated": True, "probe_bogus": "bad.test", "bogus_resolved": True},
            [OK, FAIL],
        ),
    ],
)
def test_resolver(seen: dict[str, object], expected: list[Health]) -> None:
    looked = resolver.Seen(servers=("127.0.0.1:53",), name="corp.test", **seen)  # type: ignore[arg-type]
    assert healths(resolver.judge(looked)) == expected


@pytest.mark.parametrize(
    ("name", "addresses", "expected"),
    [
        ("vm", (), FAIL),
        ("mail1.corp.test", (), FAIL),
        ("mail1.corp.test", ("192.0.2.25",), OK),
        ("mail1.corp.test", ("192.0.2.99",), WARN),
    ],
)
def test_the_helo_name(name: str, addresses: tuple[str, ...], expected: Health) -> None:
    pointer = names.Pointer(address="192.0.2.25", names=(name,), confirmed=True)
    first, _ = names.judge(names.Seen(name=name, addresses=addresses, pointers=(pointer,)))
    assert first.health == expected


@pytest.mark.parametrize(
    ("found", "confirmed", "expected"),
    [
        (("mail1.corp.test",), True, OK),
        (("mail1.corp.test",), False, FAIL),
        (("host-25.isp.test",), True, WARN),
        (("host-25.isp.test",), False, FAIL),
        ((), False, FAIL),
    ],
)
def test_pointers(found: tuple[str, ...], confirmed: bool, expected: Health) -> None:
    pointer = names.Pointer(address="192.0.2.25", names=found, confirmed=confirmed)
    seen = names.Seen(name="mail1.corp.test", addresses=("192.0.2.25",), pointers=(pointer,))
    assert healths(names.judge(seen)) == [OK, expected]


def test_behind_a_translation_of_addresses_nothing_is_claimed() -> None:
    seen = names.Seen(name="mail1.corp.test", addresses=("198.51.100.1",), private=("10.0.0.2",))
    assert healths(names.judge(seen)) == [OK, UNKNOWN]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Spf.PASS, OK),
        (Spf.FAIL, FAIL),
        (Spf.SOFTFAIL, FAIL),
        (Spf.NEUTRAL, WARN),
        (Spf.NONE, WARN),
        (Spf.PERMERROR, FAIL),
        (Spf.CANNOT_TELL, UNKNOWN),
    ],
)
def test_spf(result: Spf, expected: Health) -> None:
    passes = spf.Seen(domain="corp.test", address="192.0.2.1", answer=SpfAnswer(result=Spf.PASS, why="`mx`"))
    other = spf.Seen(domain="corp.test", address="192.0.2.2", answer=SpfAnswer(result=result, why="so"))
    assert healths(spf.judge([passes, other])) == [expected]


def test_spf_that_cannot_be_looked_up() -> None:
    assert healths(spf.judge([spf.Seen(domain="corp.test", address="192.0.2.1", problem="SERVFAIL")])) == [UNKNOWN]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"synchronized": True}, OK),
        ({"synchronized": False}, WARN),
        ({}, UNKNOWN),
        ({"synchronized": True, "on_disk": NOW + 10}, WARN),
        ({"synchronized": True, "last_change": NOW + 3600}, FAIL),
        ({"synchronized": True, "now": 1_000.0}, FAIL),
    ],
)
def test_clock(seen: dict[str, object], expected: Health) -> None:
    assert healths(clock.judge(clock.Seen(**{"now": NOW, **seen}))) == [expected]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, [OK, OK]),
        ({"free": GIB}, [WARN, OK]),
        ({"free": 1024}, [FAIL, OK]),
        ({"free_files": 0}, [FAIL, OK]),
        ({"fsyncs": (0.2,) * 40}, [OK, WARN]),
        ({"fsyncs": (1e-6,) * 40}, [OK, WARN]),
        ({"filesystem": "tmpfs"}, [OK, FAIL]),
        ({"problem": "No such file or directory"}, [UNKNOWN, UNKNOWN]),
    ],
)
def test_disk(seen: dict[str, object], expected: list[Health]) -> None:
    usual: dict[str, object] = {
        "folder": "/data", "filesystem": "ext4", "free": 100 * GIB, "total": 200 * GIB, "fsyncs": (0.002,) * 40,
    }  # fmt: skip
    assert healths(disk.judge(disk.Seen(**(usual | seen)))) == expected  # type: ignore[arg-type]


def test_percentiles() -> None:
    assert disk.percentile((), 0.5) == 0.0
    assert disk.percentile(tuple(range(100)), 0.5) == 50
    assert disk.percentile(tuple(range(100)), 0.99) == 99


@pytest.mark.parametrize(
    ("mode", "key", "expected"),
    [
        (stat.S_IFREG | 0o600, False, OK),
        (stat.S_IFREG | 0o640, False, FAIL),
        (stat.S_IFREG | 0o604, False, FAIL),
        (stat.S_IFDIR | 0o755, False, OK),
        (stat.S_IFDIR | 0o775, False, FAIL),
        (stat.S_IFREG | 0o640, True, OK),
        (stat.S_IFREG | 0o644, True, FAIL),
    ],
)
def test_file_modes(mode: int, key: bool, expected: Health) -> None:
    assert healths(files.judge("/data", [files.Seen(path="/data/x", mode=mode, key=key)])) == [expected]


def certificate(**given: object) -> Certificate:
    facts: dict[str, object] = {
        "subject": "CN=x", "issuer": "CN=CA", "names": ("mail1.corp.test",), "not_before": NOW - 1000,
        "not_after": NOW + 90 * certificates.DAY, "fingerprint": "", "spki": "", "server_purpose": True,
    }  # fmt: skip
    return Certificate(**(facts | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "seen", "expected"),
    [
        ({}, {"verdict": ChainVerdict(trusted=True)}, OK),
        ({}, {"verdict": ChainVerdict(trusted=False, error="unknown CA")}, WARN),
        ({}, {"self_made": True}, OK),
        ({"names": ("other.test",)}, {"verdict": ChainVerdict(trusted=True)}, FAIL),
        ({"not_after": NOW - 1}, {"verdict": ChainVerdict(trusted=True)}, FAIL),
        ({"not_before": NOW + 1}, {"verdict": ChainVerdict(trusted=True)}, FAIL),
        ({"not_after": NOW + certificates.DAY}, {"verdict": ChainVerdict(trusted=True)}, WARN),
        ({}, {"problem": "the key does not belong to it"}, FAIL),
        ({}, {"missing": True}, UNKNOWN),
    ],
)
def test_certificates(given: dict[str, object], seen: dict[str, object], expected: Health) -> None:
    facts: dict[str, object] = {"title": "certificate", "name": "mail1.corp.test", "now": NOW}
    looked = certificates.Seen(**(facts | {"chain": (certificate(**given),)} | seen))  # type: ignore[arg-type]
    assert healths([certificates.judge(looked)]) == [expected]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"ends": (NOW + 1,)}, OK),
        ({"ends": (NOW - 1, NOW + 1)}, OK),
        ({"ends": (NOW - 1,)}, FAIL),
        ({"problem": "cannot be read"}, FAIL),
        ({}, FAIL),
    ],
)
def test_ca_files(seen: dict[str, object], expected: Health) -> None:
    looked = certificates.SeenFile(title="host gw", path="/etc/ca.pem", now=NOW, **seen)  # type: ignore[arg-type]
    assert healths([certificates.judge_file(looked)]) == [expected]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"reply": "553 5.7.1 not yours"}, OK),
        ({"accepted": True, "reply": "250 ok"}, FAIL),
        ({"accepted": True, "allow_foreign_senders": True}, WARN),
        ({"running": False, "reply": "connection refused"}, UNKNOWN),
        ({"networks": ("0.0.0.0/0",)}, FAIL),
        ({"networks": ("::/0",), "running": False}, FAIL),
        ({"networks": ("10.0.0.0/8", "192.0.2.0/24"), "reply": "553"}, OK),
        ({"role": "submission", "networks": ("0.0.0.0/0",), "reply": "530 authenticate"}, OK),
    ],
)
def test_open_relay(seen: dict[str, object], expected: Health) -> None:
    facts: dict[str, object] = {
        "address": "127.0.0.1:25", "role": "relay", "networks": ("127.0.0.0/8",), "allow_foreign_senders": False,
    }  # fmt: skip
    assert healths(relay.judge(relay.Seen(**(facts | seen)))) == [expected]  # type: ignore[arg-type]


ROUTE = '[[host]]\nname = "gw"\nprimary = [{ address = "gw.test" }]\n[[alternate_secure_route]]\nhost = "gw"\n'
REQUIRED = '[[tls_compliance]]\nname = "all"\nall = true\n'
DOMAINS = '[organization]\ndomains = ["corp.test"]\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, [FAIL]),
        (DOMAINS, [OK]),
        (DOMAINS + REQUIRED, [WARN]),
        (DOMAINS + REQUIRED + ROUTE, [OK]),
    ],
)
def test_settings(text: str | None, expected: list[Health]) -> None:
    found: Document | None = None if text is None else document(text)
    assert healths(settings.judge(found)) == expected


def test_secrets_that_are_named_are_there() -> None:
    host = Host(name="gw", primary=(Server(address="gw.test"),), username="us", password_secret="gw-password")
    found = Document(host=(host,))
    assert healths(settings.judge(found, {"gw-password"})) == [OK]
    first, second = settings.judge(found, {"other"})
    assert (first.health, second.health) == (OK, FAIL)
    assert second.mend.startswith("`percorso secret set gw-password`")


@pytest.mark.parametrize(
    ("problems", "expected"), [(("",), OK), (("", "refused"), WARN), (("refused",), FAIL), ((), FAIL)]
)
def test_hosts(problems: tuple[str, ...], expected: Health) -> None:
    tried = tuple(ports.Tried(target="gw.test:25", port=25, problem=problem) for problem in problems)
    seen = settings.SeenHost(name="gw", tried=tried, problem="" if tried else "gw.test has no address")
    assert healths([settings.judge_host(seen)]) == [expected]
