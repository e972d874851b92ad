"""Root is given up once the ports are bound, and a data directory is never taken from somebody else."""

import os
import pwd
import signal
import smtplib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node.running import RunningNode

USER = "nobody"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def run_as(node: RunningNode, user: str) -> None:
    node.config.write_text(node.config.read_text().replace("[node]\n", f'[node]\nuser = "{user}"\n'))


def ids(pid: int) -> set[str]:
    """The user ids of a process: real, effective, saved, of the file system."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {word for line in lines if line.startswith("Uid:") for word in line.split()[1:]}


def privileged_port() -> int:
    """A port that only root may bind, and nobody has."""
    for port in range(600, 1023):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("every privileged port is in use")


@needs_root
def test_root_is_only_for_the_ports(node: RunningNode, reachable: Path) -> None:
    run_as(node, USER)
    port = privileged_port()
    config = node.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}", 1)
    node.config.write_text(config.replace('data_dir = "data"', f'data_dir = "{reachable}/data"'))
    more = readable_python(node)
    node.start(more=more)
    assert node.port() == port
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        assert client.noop()[0] == 250
    wanted = {str(pwd.getpwnam(USER).pw_uid)}
    assert node.workers()
    assert [ids(pid) for pid in (node.process.pid, *node.workers())] == [wanted] * (1 + len(node.workers()))
    owners = {path.stat().st_uid for path in (reachable / "data").rglob("*")}
    assert owners == {pwd.getpwnam(USER).pw_uid}
    node.signal(signal.SIGTERM)
    assert node.process.wait(20) == 0


def readable_python(node: RunningNode) -> dict[str, str]:
    """See that the node runs on a Python that everybody can read; what its environment needs for that."""
    as_user = ("setpriv", f"--reuid={USER}", "--clear-groups", "env", "PYTHONDONTWRITEBYTECODE=1")
    if subprocess.run([*as_user, *node.program[:1], "-c", ""], capture_output=True, check=False).returncode == 0:
        return {}
    system = "/usr/bin/python3"
    places = {"PYTHONPATH": os.pathsep.join(one for one in sys.path if "site-packages" in one or one.endswith("src"))}
    if subprocess.run(
        [*as_user, f"PYTHONPATH={places['PYTHONPATH']}", system, "-c", "import percorso.app, apsw, uvloop"],
        capture_output=True, check=False,
    ).returncode:  # fmt: skip
        pytest.skip("no Python here that everybody can read")
    node.program = (system, "-m", "percorso")
    return places


@pytest.fixture
def reachable(tmp_path: Path) -> Path:
    """The test's folder, where everybody may go."""
    path = tmp_path
    while path != path.parent and path.stat().st_uid == os.geteuid() and path.name:
        path.chmod(path.stat().st_mode | 0o711)
        path = path.parent
    return tmp_path


def refused(node: RunningNode) -> str:
    node.launch()
    assert node.process.wait(20) == 2
    return node.log()


@needs_root
def test_the_data_of_another_are_not_taken(node: RunningNode) -> None:
    run_as(node, USER)
    (node.folder / "data").mkdir()
    (node.folder / "data" / "settings.db").touch()
    assert f"data does not belong to {USER}" in refused(node)
    assert "chown -R" in node.log()


@needs_root
def test_root_does_not_mix_its_files_with_those_of_another(node: RunningNode) -> None:
    (node.folder / "data").mkdir()
    os.chown(node.folder / "data", pwd.getpwnam(USER).pw_uid, -1)
    assert f'set [node] user = "{USER}"' in refused(node)


@needs_root
def test_running_as_root_is_said(node: RunningNode) -> None:
    node.start()
    assert node.said("this node runs as root; set [node] user")


@pytest.mark.parametrize(("user", "words"), [("root", "is root"), ("nobody-of-that-name", "there is no user")])
def test_users_that_nobody_can_run_as(node: RunningNode, user: str, words: str) -> None:
    run_as(node, user)
    assert words in refused(node)
