"""A server of somebody else's, run in the foreground for the length of a test."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


def free_address() -> tuple[str, int]:
    """A loopback address of the test's own and a port free on it: no two servers of a test run meet."""
    chance = random.SystemRandom()
    host = f"127.{chance.randint(1, 254)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"
    with socket.create_server((host, 0)) as probe:
        return host, int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time. Other people's processes tell us nothing, so it is asked for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def accepts_connections(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=STOP_SECONDS).close()
    except OSError:
        return False
    return True


class Foreground:
    """A child process that listens on `address`, and its output in a file."""

    def __init__(self, command: Sequence[str | Path], *, address: tuple[str, int], output: Path) -> None:
        self._address = address
        self._output = output
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )

    def wait_until_listening(self) -> None:
        """Return once it accepts connections; raises `RuntimeError` with its output if it does not."""

        def settled() -> bool:
            return self._process.poll() is not None or accepts_connections(self._address)

        if not wait_until(settled, START_SECONDS) or self._process.poll() is not None:
            raise RuntimeError(f"{self._process.args!r} does not listen:\n{self._output.read_text(errors='replace')}")

    def stop(self) -> None:
        """End the process and what it started; on return the address is free."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        if not wait_until(lambda: not accepts_connections(self._address), STOP_SECONDS):
            raise RuntimeError(f"{self._process.args!r} still listens on {self._address}")
