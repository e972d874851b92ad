"""What a service manager hears of a node, over a real socket."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from percorso.processes.notify import InitSystem

PROGRAM = r"""
import os, select, signal, sys, time
from percorso.processes.notify import InitSystem
from percorso.processes.supervisor import Supervisor

began = time.monotonic()

def work(number, lifeline):
    stopping, wake = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(wake, b"x"))
    select.select([stopping, lifeline], [], [])
    return 0

def serving():
    return os.path.exists(sys.argv[1])

sys.exit(Supervisor(work, count=1, grace=5.0, serving=serving, init=InitSystem()).run())
"""


class Manager:
    """A service manager's end of the socket."""

    def __init__(self, folder: Path) -> None:
        self.address = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.address))
        self._socket.settimeout(10)

    def hears(self) -> str:
        return self._socket.recv(4096).decode()

    def hears_nothing(self) -> bool:
        self._socket.settimeout(0.3)
        try:
            self._socket.recv(4096)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(10)
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path)
    yield manager
    manager.close()


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path, manager: Manager) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(**more: str) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "NOTIFY_SOCKET": str(manager.address), **more}
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "serving")]
        started.append(subprocess.Popen(command, env=environ))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_ready_once_all_serve_then_reloading_and_stopping(start: Start, manager: Manager, tmp_path: Path) -> None:
    process = start()
    assert manager.hears_nothing()
    (tmp_path / "serving").touch()
    assert manager.hears() == "READY=1"
    process.send_signal(signal.SIGHUP)
    first, _, second = manager.hears().partition("\n")
    assert (first, second.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
    assert int(second.partition("=")[2]) > 0
    assert manager.hears() == "READY=1"
    process.terminate()
    assert manager.hears() == "STOPPING=1"
    assert process.wait(10) == 0


def test_signs_of_life_only_while_all_serve(start: Start, manager: Manager, tmp_path: Path) -> None:
    (tmp_path / "serving").touch()
    start(WATCHDOG_USEC="200000")
    assert manager.hears() == "READY=1"
    assert [manager.hears() for _ in range(3)] == ["WATCHDOG=1"] * 3
    (tmp_path / "serving").unlink()
    while not manager.hears_nothing():
        pass


def test_nobody_listens(tmp_path: Path) -> None:
    InitSystem({}).ready()
    gone = InitSystem({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000000"})
    gone.ready()
    assert gone.watchdog == 0.5
    assert InitSystem({"WATCHDOG_USEC": "1000000"}).watchdog == 0
    others = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
    assert InitSystem(others).watchdog == 0


def test_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"percorso-test-{os.getpid()}"
        listening.bind(f"\0{name}")
        listening.settimeout(5)
        InitSystem({"NOTIFY_SOCKET": f"@{name}"}).stopping()
        assert listening.recv(100) == b"STOPPING=1"
