"""Whatever the disk refuses and when: what was accepted is kept, what was settled stays settled."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from percorso.core.delivery.outcome import Status
from percorso.ports.evidence import EvidenceFilter
from percorso.ports.queue import QueueFilter, StoreError
from percorso.store.content import INLINE_LIMIT
from percorso.store.sqlite import writer
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog
from percorso.store.sqlite.queue import SqliteQueue, open_worker_queue
from percorso.store.sqlite.queue_desk import SqliteQueueDesk
from tests.store.faults import FaultyFiles
from tests.store.mail import Desk, ManualClock, accept, keep, new_message, settle, settlement
from tests.store.places import OnDisk

LARGE = b"Subject: Large\r\n\r\n" + b"x" * INLINE_LIMIT
FOREVER = 10**9


@pytest.fixture
async def full(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyFiles]:
    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.01)
    files = FaultyFiles(full=True)
    yield files
    files.close()


def open_on(files: FaultyFiles, data_dir: Path, clock: ManualClock) -> SqliteQueue:
    return open_worker_queue(data_dir, node="mail1", clock=clock, loop=asyncio.get_running_loop(), files=files)


def queued(data_dir: Path) -> list[str]:
    return [entry.id for entry in SqliteQueueDesk(data_dir).entries(QueueFilter())]


def delivered(data_dir: Path) -> list[str]:
    found = SqliteEvidenceLog(data_dir).search(EvidenceFilter(status="delivered"))
    return [stored.evidence.queue_id for stored in found]


@pytest.mark.parametrize("content", [b"Subject: Small\r\n\r\n", LARGE], ids=["small", "large"])
async def test_a_full_disk_refuses_and_says_so(
    full: FaultyFiles, tmp_path: Path, clock: ManualClock, content: bytes
) -> None:
    queue = open_on(full, tmp_path, clock)
    kept = await keep(queue, content=content)
    message = new_message(queue, content=content)
    full.faults.arm(1, FOREVER)
    refusal = await accept(queue, message)
    assert isinstance(refusal, StoreError)
    assert refusal.full
    assert "no space is left" in str(refusal)
    full.faults.disarm()
    later = await keep(queue, content=content)
    assert queued(tmp_path) == [kept.id, later.id]
    await queue.close()


async def test_nothing_is_promised_before_it_is_synced(full: FaultyFiles, tmp_path: Path, clock: ManualClock) -> None:
    queue, desk = open_on(full, tmp_path, clock), Desk()
    queue.attach(desk)
    log = full.faults.log
    await keep(queue)
    assert log[-2:] == ["write", "sync"]
    log.clear()
    await settle(queue, settlement(await desk.next()))
    assert log[-2:] == ["write", "sync"]
    log.clear()
    await keep(queue, content=LARGE)
    steps = [call for call in log if call.startswith("file") and call != "file write"]
    assert steps == ["file create", "file sync", "file rename", "file sync_directory"]
    assert log.index("file sync_directory") < log.index("write")
    assert log[-2:] == ["write", "sync"]
    log.clear()
    await settle(queue, settlement(await desk.next()))
    assert log.index("sync") < log.index("file remove")
    await queue.close()


async def test_a_new_shard_is_on_stable_storage_with_all_that_leads_to_it(
    full: FaultyFiles, tmp_path: Path, clock: ManualClock
) -> None:
    synced = []
    sync_directory = full.sync_directory
    full.sync_directory = lambda path: (synced.append(path), sync_directory(path))  # type: ignore[method-assign, assignment, func-returns-value]
    queue = open_on(full, tmp_path / "data", clock)
    shard = tmp_path / "data" / "queue" / "shard-00"
    assert synced == [tmp_path, tmp_path / "data", tmp_path / "data" / "queue", shard]  # of data, queue, shard, spool
    await queue.close()


async def test_the_spool_refuses_while_content_arrives(full: FaultyFiles, tmp_path: Path, clock: ManualClock) -> None:
    queue = open_on(full, tmp_path, clock)
    draft = queue.compose()
    full.faults.arm(1, FOREVER)
    with pytest.raises(StoreError) as refusal:
        draft.write(LARGE)
    assert refusal.value.full
    draft.discard()
    full.faults.disarm()
    assert await accept(queue, new_message(queue, content=LARGE)) is None
    await queue.close()


async def test_a_failing_disk_is_not_called_full(tmp_path: Path, clock: ManualClock) -> None:
    files = FaultyFiles(full=False)
    queue = open_on(files, tmp_path, clock)
    message = new_message(queue)
    files.faults.arm(1)
    refusal = await accept(queue, message)
    assert isinstance(refusal, StoreError)
    assert not refusal.full
    await queue.close()
    files.close()


async def test_a_settlement_waits_for_the_disk_and_is_not_lost(
    full: FaultyFiles, tmp_path: Path, clock: ManualClock
) -> None:
    queue, desk = open_on(full, tmp_path, clock), Desk()
    queue.attach(desk)
    message = await keep(queue)
    claim = await desk.next()
    full.faults.arm(1, FOREVER)
    stored = asyncio.Event()
    queue.settle(settlement(claim), stored.set)
    assert isinstance(await accept(queue, new_message(queue)), StoreError)
    assert not stored.is_set()
    assert queued(tmp_path) == [message.id]
    full.faults.disarm()
    await asyncio.wait_for(stored.wait(), 10)
    assert (queued(tmp_path), delivered(tmp_path)) == ([], [message.id])
    await queue.close()


async def test_a_recovery_that_fails_is_tried_again_at_leisure(
    full: FaultyFiles, tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where mail is due, and somebody tries to bring more: the claim of what is due waits for the recovery."""
    place = OnDisk(tmp_path, clock)
    queue, desk = place.open(), Desk(1)
    queue.attach(desk)
    claimed, waiting = await keep(queue), await keep(queue)
    await place.crash()
    full.faults.arm(1, FOREVER)
    queue, desk = open_on(full, place.data_dir, clock), Desk()
    queue.attach(desk)
    refusals = [await accept(queue, new_message(queue)) for _ in range(3)]
    assert all(refusal and refusal.full for refusal in refusals)
    tried = full.faults.failed
    await asyncio.sleep(0.3)
    assert full.faults.failed - tried < 10
    full.faults.disarm()
    assert {(await desk.next()).message.id for _ in range(2)} == {claimed.id, waiting.id}
    await queue.close()


async def test_work_that_cannot_be_done_does_not_take_the_rest_along(disk_queue: SqliteQueue) -> None:
    """A message with the id of another one is refused alone, whatever shares its commit."""
    first = await keep(disk_queue)
    answers: list[StoreError | None] = []
    ended = asyncio.Event()

    def done(failure: StoreError | None) -> None:
        answers.append(failure)
        if len(answers) == 3:
            ended.set()

    for message in (new_message(disk_queue), first, new_message(disk_queue)):
        disk_queue.accept(message, done)
    await asyncio.wait_for(ended.wait(), 10)
    assert [failure is None for failure in answers] == [True, False, True]


@pytest.fixture
async def disk_queue(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteQueue]:
    queue = open_worker_queue(tmp_path, node="mail1", clock=clock, loop=asyncio.get_running_loop())
    yield queue
    await queue.close()


class Story:
    """A short life of a queue, and what it was promised on the way."""

    def __init__(self, queue: SqliteQueue) -> None:
        self._queue = queue
        self._desk = Desk()
        queue.attach(self._desk)
        self.accepted: list[str] = []
        self.settled: list[str] = []

    async def run(self) -> None:
        for content in (b"Subject: One\r\n\r\n", LARGE, b"Subject: Two\r\n\r\n"):
            await self._send(content)
        while self._desk.claims:
            claim = await self._desk.next()
            notice = new_message(self._queue, "a@corp.test", sender="", report_of=claim.message.id)
            with_notice = claim.message.report_of == "" and claim.message.content.inline is not None
            status = Status.FAILED if with_notice else Status.DELIVERED
            await settle(self._queue, settlement(claim, status, notices=(notice,) if with_notice else ()))
            self.settled.append(claim.message.id)
            self.accepted += [notice.id] if with_notice else []

    async def _send(self, content: bytes) -> None:
        draft = self._queue.compose()
        try:
            draft.write(content)
            message = new_message(self._queue, content=content)
        except StoreError:
            draft.discard()
            return
        draft.discard()
        if await accept(self._queue, message) is None:
            self.accepted.append(message.id)


@pytest.mark.parametrize("full", [True, False], ids=["full", "broken"])
@pytest.mark.parametrize("count", [1, 3], ids=["once", "thrice"])
async def test_every_single_call_may_fail(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, full: bool, count: int
) -> None:
    """The same story over and over, with the first call failing, then the second, until no call is left to fail."""
    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.001)
    files = FaultyFiles(full=full)
    for first in range(1, 500):
        data_dir = tmp_path / str(first)
        queue = open_on(files, data_dir, clock)
        await keep(queue)  # the database is there, and somebody had mail before
        story = Story(queue)
        files.faults.arm(first, count)
        await story.run()
        failed = files.faults.failed
        files.faults.disarm()
        await queue.close()
        ends = SqliteEvidenceLog(data_dir)
        ends.verify()
        over = {stored.evidence.queue_id for stored in ends.search(EvidenceFilter())}
        assert set(story.settled) <= over
        waiting = set(queued(data_dir))
        assert set(story.accepted) <= over | waiting, f"lost when call {first} failed"
        assert not set(story.settled) & waiting, f"still queued after call {first} failed"
        if not failed:
            break
    else:
        pytest.fail("the story has no end")
    assert first > 10
    files.close()
