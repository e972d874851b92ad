"""Fixtures of the store's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store.mail import ManualClock
from tests.store.places import InMemory, OnDisk, Place


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["disk", "memory"])
async def place(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Place]:
    """Every place that a queue can be kept in."""
    kept: Place = OnDisk(tmp_path, clock) if request.param == "disk" else InMemory(clock)
    yield kept
    await kept.close()


@pytest.fixture
async def disk(tmp_path: Path, clock: ManualClock) -> AsyncIterator[OnDisk]:
    kept = OnDisk(tmp_path, clock)
    yield kept
    await kept.close()
