"""The supervisor against real processes: restart, graceful stop, and no orphans."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = r"""
import os, signal, sys, select
from percorso.processes.supervisor import Supervisor

def work(number, lifeline):
    stopping, wake = os.pipe()
    if sys.argv[1] != "deaf":
        signal.signal(signal.SIGTERM, lambda *_: os.write(wake, b"x"))
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, f"started {number} {os.getpid()}\n".encode())
    select.select([stopping, lifeline], [], [])
    os.write(1, f"stopped {number} {os.getpid()}\n".encode())
    return 0

sys.exit(Supervisor(work, count=2, grace=1.0).run())
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], tuple[subprocess.Popen[bytes], Path]]]:
    started: list[subprocess.Popen[bytes]] = []

    def run(kind: str) -> tuple[subprocess.Popen[bytes], Path]:
        output = tmp_path / "output"
        with output.open("wb") as stream:
            process = subprocess.Popen([sys.executable, "-c", PROGRAM, kind], stdout=stream, stderr=subprocess.STDOUT)
        started.append(process)
        return process, output

    yield run
    for process in started:
        process.kill()
        process.wait()


def pids(output: Path, word: str) -> list[int]:
    return [int(line.split()[2]) for line in output.read_text().splitlines() if line.startswith(word)]


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


Start = Callable[[str], tuple[subprocess.Popen[bytes], Path]]


def test_killed_worker_is_restarted(start: Start) -> None:
    process, output = start("good")
    until(lambda: len(pids(output, "started")) == 2, "two workers start")
    os.kill(pids(output, "started")[0], signal.SIGKILL)
    until(lambda: len(pids(output, "started")) == 3, "a new worker starts")
    assert process.poll() is None


def test_stops_gracefully(start: Start) -> None:
    process, output = start("good")
    until(lambda: len(pids(output, "started")) == 2, "two workers start")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert sorted(pids(output, "stopped")) == sorted(pids(output, "started"))


def test_deaf_worker_is_killed_after_the_grace_time(start: Start) -> None:
    process, output = start("deaf")
    until(lambda: len(pids(output, "started")) == 2, "two workers start")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 1
    assert not any(alive(pid) for pid in pids(output, "started"))


def test_workers_do_not_outlive_a_killed_supervisor(start: Start) -> None:
    process, output = start("good")
    until(lambda: len(pids(output, "started")) == 2, "two workers start")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    until(lambda: not any(alive(pid) for pid in pids(output, "started")), "the workers end")
