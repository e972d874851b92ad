"""The command line run in this process, on stores in memory, with or without a terminal."""

import io

import msgspec
import pytest
from rich.console import Console

from percorso.cli import main, output
from percorso.cli.starters import Starters
from tests.network.network import Network
from tests.network.peer import Peer
from tests.network.ways_out import ways_out
from tests.operations.stores_in_memory import Node


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What one run left behind."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs verbs against one node."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.node = node
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.started: list[object] = []
        network = Network()
        network.add(Peer("gw1.example"))
        self.network = ways_out(network)

    def run(self, *arguments: str) -> Ran:
        """Without a terminal, as in a pipe."""
        self._capsys.readouterr()
        code = main.run(self._starters(), arguments)
        captured = self._capsys.readouterr()
        return Ran(code=code, out=captured.out, err=captured.err)

    def on_terminal(self, width: int, *arguments: str) -> Ran:
        """On a terminal of so many columns."""
        shown = io.StringIO()
        console = Console(file=shown, force_terminal=True, color_system=None, width=width, highlight=False)
        with self._monkeypatch.context() as patch:
            patch.setattr(output, "out", console)
            code = main.run(self._starters(), arguments)
        captured = self._capsys.readouterr()
        return Ran(code=code, out=shown.getvalue() + captured.out, err=captured.err)

    def _starters(self) -> Starters:
        return Starters(
            serve=lambda configuration: self._start(configuration, 0),
            lab=lambda keep, as_json: self._start((keep, as_json), 1),
            bench=lambda arguments: self._start(list(arguments), 0),
            stores=lambda _: self.node.stores,
            network=lambda _: self.network,
        )

    def _start(self, what: object, code: int) -> int:
        self.started.append(what)
        return code


def widest(text: str) -> int:
    """The longest line."""
    return max(map(len, text.splitlines()))
