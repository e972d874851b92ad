"""A command line over stores in memory."""

from pathlib import Path

import pytest

from tests.cli.terminal import CommandLine
from tests.operations.stores_in_memory import Node


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERCORSO_NODE__NAME", "mail1.corp.test")
    return CommandLine(Node(tmp_path), monkeypatch, capsys)
