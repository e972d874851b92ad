"""A queue in a folder of the test's own."""

from pathlib import Path

import pytest

from tests.reception.parts import HeldQueue


@pytest.fixture
def queue(tmp_path: Path) -> HeldQueue:
    return HeldQueue(tmp_path / "spool")
