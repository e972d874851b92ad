"""Opening a shard that others look at, or that holds what cannot be read."""

from pathlib import Path

import apsw
import pytest

from percorso.core.delivery.outcome import Status
from percorso.ports.queue import QueueFilter
from percorso.store import layout
from percorso.store.files import FILES
from percorso.store.queue_id import id_number
from percorso.store.sqlite import connection
from percorso.store.sqlite.queue_desk import SqliteQueueDesk
from percorso.store.sqlite.shard import take_shard
from tests.store.mail import Desk, ManualClock, keep, settle, settlement
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


@pytest.mark.parametrize("damage", ["UPDATE recipient SET kept = x'ff'", "UPDATE message SET meta = x'ff'"])
async def test_what_cannot_be_read_is_held_and_keeps_nobody_waiting(
    tmp_path: Path, clock: ManualClock, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    disk = OnDisk(tmp_path, clock)
    queue = disk.open()
    first, second = await keep(queue, "bob@bank.test", "eve@shop.test"), await keep(queue)
    await disk.close()
    path = layout.queue_database(layout.shard_directory(disk.data_dir, 0))
    vandal = apsw.Connection(str(path))
    column = "message" if "recipient" in damage else "id"
    vandal.execute(f"{damage} WHERE {column} = {id_number(first.id)}")
    queue, desk = disk.open(), Desk()
    queue.attach(desk)
    later = await desk.next()
    assert later.message.id == second.id
    states = vandal.execute("SELECT state FROM recipient WHERE message = ?", (id_number(first.id),)).fetchall()
    assert states == [(2,), (2,)]
    assert f"{first.id}: held, it cannot be read" in caplog.text
    operators = SqliteQueueDesk(disk.data_dir)
    shown = [entry for entry in operators.entries(QueueFilter(state="held")) if entry.id == first.id]
    assert [entry.recipient for entry in shown] == ["bob@bank.test", "eve@shop.test"]
    assert all("cannot be read" in entry.last_reply for entry in shown)
    await settle(queue, settlement(later, Status.HELD))
    assert [found.message.id for found in operators.required()] == [second.id]
    vandal.close()
    await disk.close()


async def test_a_claim_that_cannot_be_read_does_not_stop_the_recovery(tmp_path: Path, clock: ManualClock) -> None:
    disk = OnDisk(tmp_path, clock)
    queue, desk = disk.open(), Desk(2)
    queue.attach(desk)
    first, second = await keep(queue), await keep(queue)
    await disk.crash()
    vandal = apsw.Connection(str(layout.queue_database(layout.shard_directory(disk.data_dir, 0))))
    vandal.execute("UPDATE message SET meta = x'ff' WHERE id = ?", (id_number(first.id),))
    queue, desk = disk.open(), Desk()
    queue.attach(desk)
    assert (await desk.next()).message.id == second.id
    assert vandal.execute("SELECT state FROM recipient ORDER BY message").fetchall() == [(2,), (1,)]
    assert [(one.queue_id, one.status) for one, _ in disk.attempts()] == [
        (first.id, "uncertain"), (second.id, "uncertain")
    ]  # fmt: skip
    vandal.close()
    await disk.close()
