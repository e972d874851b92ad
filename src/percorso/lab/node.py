"""A real node of Percorso in a folder of its own: configured, given its settings, started, stopped.

It runs as an operator would run it: `percorso settings apply`, then `percorso serve`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec

PATIENCE = 30.0  # seconds for the node to do what it is asked
_PROGRAM = (sys.executable, "-m", "percorso")

_CONFIGURATION = """\
[node]
name = "gateway.corp.test"
data_dir = {data_dir}
workers = {workers}

[[listener]]
address = "127.0.0.1:{port}"
role = "relay"
tls = "starttls"

[tls]
ca_file = {ca_file}

[dns]
servers = ["127.0.0.1:{dns_port}"]

[delivery]
port = {delivery_port}
ipv6 = false
concurrency = {concurrency}

[console]
address = "127.0.0.1:{console_port}"
"""


class NodeFailed(Exception):
    """The node did not do what it was asked; the message has its last words."""


class NodePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How the node is set up."""

    folder: Path
    ca_file: Path
    dns_port: int  # on 127.0.0.1
    delivery_port: int  # of every recipient's server
    settings: str = ""  # the document, TOML; "" leaves them as they are
    workers: int = 1
    concurrency: int = 20


def free_port() -> int:
    """A port of 127.0.0.1 that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _environment() -> dict[str, str]:
    """Ours, without what would configure another node."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PERCORSO_")}


class Node:
    """The node; `start` it, and `stop` it whatever happened."""

    def __init__(self, plan: NodePlan) -> None:
        self._plan = plan
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.config = plan.folder / "percorso.toml"
        self.log = plan.folder / "node.log"

    @property
    def process(self) -> int:
        """Its first process."""
        if self._process is None:
            raise NodeFailed("the node was not started")
        return self._process.pid

    @property
    def data_dir(self) -> Path:
        """Where it keeps everything."""
        return self._plan.folder / "data"

    def start(self) -> None:
        """Configure it, apply its settings, serve; returns once it greets. Raises `NodeFailed`."""
        self.write_configuration()
        if self._plan.settings:
            settings = self._plan.folder / "settings.toml"
            settings.write_text(self._plan.settings, encoding="utf-8")
            self.run_verb("settings", "apply", str(settings))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                [*_PROGRAM, "serve", "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), cwd=self._plan.folder,
            )  # fmt: skip
        self._wait_for_greeting(self._process)

    def run_verb(self, *arguments: str) -> str:
        """What a verb of the command line says on this node. Raises `NodeFailed`."""
        command = [*_PROGRAM, *arguments, "--config", str(self.config)]
        done = subprocess.run(  # noqa: S603 (our own program)
            command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=_environment(),
            cwd=self._plan.folder,
        )  # fmt: skip
        if done.returncode:
            raise NodeFailed(f"`percorso {' '.join(arguments)}` said: {(done.stderr or done.stdout).strip()[-2000:]}")
        return done.stdout

    def stop(self) -> None:
        """End it in order, with all its processes; harmless if it never started."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def write_configuration(self) -> None:
        """Write `percorso.toml`; `start` does it too."""
        plan = self._plan
        text = _CONFIGURATION.format(
            data_dir=json.dumps(str(self.data_dir)), workers=plan.workers, port=self.port,
            ca_file=json.dumps(str(plan.ca_file)), dns_port=plan.dns_port, delivery_port=plan.delivery_port,
            concurrency=plan.concurrency, console_port=free_port(),
        )  # fmt: skip
        self.config.write_text(text, encoding="utf-8")

    def _wait_for_greeting(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise NodeFailed(f"`percorso serve` ended with {process.returncode}: {self._last_words()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                    if connection.recv(256).startswith(b"220"):
                        connection.sendall(b"QUIT\r\n")
                        return
            except OSError:
                time.sleep(0.05)
        raise NodeFailed(f"`percorso serve` does not greet after {PATIENCE:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
