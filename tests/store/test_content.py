"""Content that is read from the spool."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from percorso.store.content import CHUNK, SpooledContent


def open_of(path: Path) -> int:
    """How many descriptors of ours show this file."""
    return sum(os.path.realpath(shown) == str(path) for shown in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("slow", ["open", "read"])
async def test_who_gives_up_meanwhile_leaves_no_descriptor_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """The thread comes back when nobody waits for it any more; until then its descriptor must not be another's."""
    path = tmp_path / "content"
    path.write_bytes(bytes(2 * CHUNK))
    reached, go_on, back = threading.Event(), threading.Event(), threading.Event()
    real = getattr(os, slow)
    seen: list[int] = []

    def slowly(*arguments: object) -> object:
        reached.set()
        assert go_on.wait(10)
        result = real(*arguments)
        seen.append(open_of(path))
        back.set()
        return result

    monkeypatch.setattr(os, slow, slowly)
    chunks = SpooledContent(path, 2 * CHUNK).chunks()
    reading = asyncio.ensure_future(anext(chunks))
    await asyncio.to_thread(reached.wait, 10)
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
    go_on.set()
    await asyncio.to_thread(back.wait, 10)
    monkeypatch.undo()
    async with asyncio.timeout(10):
        while open_of(path):  # noqa: ASYNC110 (no event tells of a close)
            await asyncio.sleep(0)
    assert seen == [1]


async def test_it_comes_in_order_and_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"a" * CHUNK + b"b")
    assert [chunk async for chunk in SpooledContent(path, CHUNK + 1).chunks()] == [b"a" * CHUNK, b"b"]
    assert not open_of(path)
