"""Opening a shard that others look at."""

from pathlib import Path

import apsw
import pytest

from percorso.store import layout
from percorso.store.files import FILES
from percorso.store.sqlite import connection
from percorso.store.sqlite.shard import take_shard
from tests.store.mail import ManualClock, keep
from tests.store.places import OnDisk


async def test_opening_waits_for_nobody_who_writes(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Abandoned shards are opened on the event loop: an operator's transaction must not hold up all mail."""
    disk = OnDisk(tmp_path, clock)
    await keep(disk.open())
    await disk.close()
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 10)
    operator = apsw.Connection(str(layout.queue_database(layout.shard_directory(disk.data_dir, 0))))
    operator.execute("BEGIN IMMEDIATE")
    shard = take_shard(disk.data_dir, 0, node="mail1", clock=clock, files=FILES)
    assert shard
    shard.database.close()
    shard.lock.free()
    operator.close()
