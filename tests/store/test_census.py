"""The census: what alerts are told of the queue, over every kind of trouble."""

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.ports.census import Census, Failing, LostHost
from percorso.ports.queue import Settlement
from percorso.store.sqlite.census import SqliteQueueCensus
from percorso.store.sqlite.connection import rows
from percorso.store.sqlite.shard_reader import each_shard
from tests.store.mail import Desk, ManualClock, keep, settle, settlement
from tests.store.places import OnDisk


def told(done: Settlement, **changes: object) -> Settlement:
    """The settlement with its results changed."""
    results = tuple(msgspec.structs.replace(result, **changes) for result in done.results)
    return msgspec.structs.replace(done, results=results)


async def test_a_queue_in_which_nothing_is_wrong(disk: OnDisk) -> None:
    disk.open()
    assert SqliteQueueCensus(disk.data_dir).take() == Census()


async def test_everything_that_is_wrong_is_counted(disk: OnDisk, clock: ManualClock) -> None:
    queue, desk = disk.open(), Desk()
    queue.attach(desk)
    first = clock.time
    later = clock.time + 600
    await keep(queue, "bob@bank.test", "ann@bank.test")
    await settle(queue, settlement(await desk.next(), Status.DEFERRED, next_attempt=later))
    clock.time += 60
    await keep(queue, "eve@shop.test")
    lost = told(settlement(await desk.next(), Status.UNCERTAIN, next_attempt=later), lost_host="encryptor")
    await settle(queue, lost)
    await keep(queue, "a@corp.test", sender="")
    await settle(queue, settlement(await desk.next(), Status.HELD))
    assert SqliteQueueCensus(disk.data_dir).take() == Census(
        queued=3,
        oldest=first,
        parked=(("corp.test", 1),),
        failing=(Failing(domain="bank.test", failure="starttls-not-supported", recipients=2),),
        lost_hosts=(LostHost(name="encryptor", recipients=1),),
    )


async def test_what_is_delivered_is_wrong_no_more(disk: OnDisk, clock: ManualClock) -> None:
    queue, desk = disk.open(), Desk()
    queue.attach(desk)
    await keep(queue)
    done = settlement(await desk.next(), Status.DEFERRED, next_attempt=clock.time)
    await settle(queue, told(done, lost_host="encryptor"))
    await settle(queue, settlement(await desk.next()))
    assert SqliteQueueCensus(disk.data_dir).take() == Census()


async def test_it_does_not_scan_the_queue(disk: OnDisk) -> None:
    disk.open()
    from percorso.store.sqlite import census

    with each_shard(disk.data_dir) as ((_, connection),):
        for sql in (census._QUEUED, census._PARKED, census._FAILING, census._LOST):
            plan = " ".join(str(row) for row in rows(connection, f"EXPLAIN QUERY PLAN {sql}"))
            assert "INDEX" in plan, sql
