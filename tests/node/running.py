"""A node of its own for one test: `percorso serve` in a process, on ports that the kernel chose."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PROGRAM = (sys.executable, "-m", "percorso")
PATIENCE = 20.0  # seconds

CONFIGURATION = """\
[node]
name = "gate.corp.test"
data_dir = "data"
grace = "5s"

[[listener]]
address = "127.0.0.1:0"

[console]
address = "127.0.0.1:0"
"""


def environment() -> dict[str, str]:
    """Ours, without what would configure another node or speak to another supervisor."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PERCORSO_", "NOTIFY_"))}


class RunningNode:
    """Write `config` before `start`; `stop` it whatever happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program: Sequence[str] = PROGRAM
        folder.mkdir(exist_ok=True)
        self.config = folder / "percorso.toml"
        self.config.write_text(CONFIGURATION)
        self._output = folder / "node.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process
        return self._process

    def start(self, *, more: dict[str, str] | None = None, before: Sequence[str] = ()) -> None:
        """Start it, and wait until it listens; `before` is a program to start it with, `more` its environment."""
        self.launch(more=more, before=before)
        self.until(lambda: self.said("listening on") or self.process.poll() is not None, "it listens")
        assert self.process.poll() is None, self.log()

    def launch(self, *, more: dict[str, str] | None = None, before: Sequence[str] = ()) -> None:
        """Start it."""
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [*before, *self.program, "serve", "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder,
                env={**environment(), **(more or {})},
            )  # fmt: skip

    def verb(self, *arguments: str, code: int = 0) -> str:
        """What a verb says on this node."""
        done = subprocess.run(
            [*PROGRAM, *arguments, "--config", str(self.config)],
            capture_output=True, text=True, timeout=60, check=False, cwd=self.folder, env=environment(),
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def log(self) -> str:
        return self._output.read_text() if self._output.exists() else ""

    def said(self, words: str) -> bool:
        return words in self.log()

    def port(self, after: str = "listening on") -> int:
        """The port in the line that begins so."""
        found = re.search(rf"{after} \S*:(\d+)", self.log())
        assert found, self.log()
        return int(found[1])

    def workers(self) -> list[int]:
        """The processes of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}\n{self.log()}"
            time.sleep(0.02)

    def stop(self) -> int:
        """End it; the exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
