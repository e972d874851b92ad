"""A node for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.running import RunningNode


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """Not started yet."""
    node = RunningNode(tmp_path)
    yield node
    node.stop()
