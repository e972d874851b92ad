"""What the queue on disk does beyond the contract: operators beside it, its files, the cost of a commit."""

import asyncio
import contextlib
from pathlib import Path

import apsw
import msgspec
import pytest

from percorso.core.delivery.outcome import Status
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC
from percorso.ports.queue import QueueFilter, Relaxation, StoreError
from percorso.store import layout, spool
from percorso.store.content import INLINE_LIMIT
from percorso.store.queue_id import IdSource, id_number, queue_id
from percorso.store.sqlite import held, queue_sql
from percorso.store.sqlite.connection import rows, transaction
from percorso.store.sqlite.queue import open_worker_queue
from percorso.store.sqlite.queue_desk import SqliteQueueDesk
from tests.store.mail import REQUIRED, Desk, ManualClock, accept, content_of, keep, new_message, settle, settlement
from tests.store.places import OnDisk

LARGE = b"Subject: Large\r\n\r\n" + b"x" * INLINE_LIMIT


def spooled(disk: OnDisk) -> list[str]:
    return sorted(path.name for path in (layout.shard_directory(disk.data_dir, 0) / "spool").iterdir())


class TestSpool:
    async def test_a_file_lives_as_long_as_its_message(self, disk: OnDisk, clock: ManualClock) -> None:
        queue, desk = disk.open(), Desk()
        queue.attach(desk)
        message = await keep(queue, "bob@bank.test", "eve@shop.test", content=LARGE)
        assert spooled(disk) == [message.id]
        claim = await desk.next()
        await settle(queue, settlement(claim, numbers=[0]))
        await settle(queue, settlement(claim, Status.DEFERRED, numbers=[1], next_attempt=clock.time + 1))
        assert spooled(disk) == [message.id]
        clock.time += 2
        queue.wake()
        claim = await desk.next()
        assert await content_of(claim) == LARGE
        await settle(queue, settlement(claim))
        assert spooled(disk) == []

    async def test_a_draft_that_is_discarded_leaves_nothing(self, disk: OnDisk) -> None:
        queue = disk.open()
        draft = queue.compose()
        draft.write(LARGE)
        assert spooled(disk) == [f"{draft.id}.part"]
        draft.discard()
        draft.discard()
        assert spooled(disk) == []

    async def test_drafts_beyond_what_the_memory_is_for_go_to_the_spool(
        self, disk: OnDisk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Many clients that send slowly: none is kept from ending, and they do not use up the memory."""
        monkeypatch.setattr(spool, "DRAFT_OCTETS", 100_000)
        queue, desk = disk.open(), Desk()
        queue.attach(desk)
        drafts = [queue.compose() for _ in range(5)]
        for _ in range(4):
            for draft in drafts:
                draft.write(bytes(10_000))
        assert spooled(disk)
        in_files = sum(
            path.stat().st_size for path in layout.spool_directory(layout.shard_directory(disk.data_dir, 0)).iterdir()
        )
        assert 5 * 40_000 - in_files <= 100_000
        assert not queue.busy
        drafts[0].discard()
        for draft in drafts[1:]:
            message = msgspec.structs.replace(new_message(queue), id=draft.id, content=draft.finish())
            assert await accept(queue, message) is None
            assert await content_of(await desk.next()) == bytes(40_000)
        again = queue.compose()
        again.write(bytes(90_000))
        assert again.finish().inline == bytes(90_000)

    async def test_orphans_go_and_new_drafts_stay_at_the_next_opening(self, disk: OnDisk) -> None:
        queue = disk.open()
        kept = await keep(queue, content=LARGE)
        for name in (queue_id(5), f"{queue_id(6)}.part", "nonsense"):
            (layout.shard_directory(disk.data_dir, 0) / "spool" / name).write_bytes(b"left behind")
        await disk.close()
        queue = disk.open()
        draft = queue.compose()
        draft.write(LARGE)  # while the recovery is under way
        await keep(queue)
        assert spooled(disk) == sorted([kept.id, f"{draft.id}.part"])
        draft.discard()

    async def test_the_head_of_a_long_header_is_cut(self, disk: OnDisk) -> None:
        queue, desk = disk.open(), Desk()
        queue.attach(desk)
        header = b"".join(b"X-Field-%05d: %s\r\n" % (number, b"x" * 100) for number in range(4000))
        await keep(queue, content=header + b"\r\nHello.\r\n")
        head = (await desk.next()).message.content.head()
        assert len(head) == 256 * 1024
        assert header.startswith(head)


class TestOperators:
    async def test_entries_tell_all_that_waits(self, disk: OnDisk, clock: ManualClock) -> None:
        queue, desk = disk.open(), Desk(room=1)
        queue.attach(desk)
        first = await keep(queue, "bob@bank.test", "Eve@Shop.test")
        second = await keep(queue, sender="")
        claim = await desk.next()
        await settle(queue, settlement(claim, Status.DEFERRED, numbers=[1], next_attempt=clock.time + 60))
        entries = list(SqliteQueueDesk(disk.data_dir).entries(QueueFilter()))
        assert [(one.id, one.number, one.state) for one in entries] == [
            (first.id, 0, "claimed"),
            (first.id, 1, "queued"),
            (second.id, 0, "queued"),
        ]
        waits = entries[1]
        assert (waits.sender, waits.recipient) == ("a@corp.test", "Eve@shop.test")
        assert (waits.attempts, waits.next_attempt) == (1, clock.time + 60)
        assert (waits.last_reply, waits.last_failure) == ("450 so be it", "starttls-not-supported")
        assert (waits.size, waits.requirement) == (first.content.size, REQUIRED)
        assert entries[2].sender == ""

    @pytest.mark.parametrize(
        ("which", "numbers"),
        [
            (QueueFilter(), [0, 1, 2]),
            (QueueFilter(recipient="shop.test"), [1]),
            (QueueFilter(recipient="EVE@shop.test"), [1]),
            (QueueFilter(recipient="op.test"), []),
            (QueueFilter(sender="corp.test"), [0, 1, 2]),
            (QueueFilter(sender="A@CORP.test"), [0, 1, 2]),
            (QueueFilter(sender="b@corp.test"), []),
            (QueueFilter(sender="orp.test"), []),
            (QueueFilter(state="held"), [2]),
            (QueueFilter(failure="starttls-not-supported"), [1]),
            (QueueFilter(id="0" * 15), []),
            (QueueFilter(id="nonsense"), []),
        ],
    )
    async def test_every_field_finds_what_it_names(
        self, disk: OnDisk, clock: ManualClock, which: QueueFilter, numbers: list[int]
    ) -> None:
        queue, desk = disk.open(), Desk()
        queue.attach(desk)
        await keep(queue, "bob@bank.test", "Eve@shop.test", "mia@club.test")
        claim = await desk.next()
        await settle(queue, settlement(claim, Status.DEFERRED, numbers=[1], next_attempt=clock.time + 60))
        await settle(queue, settlement(claim, Status.HELD, numbers=[2]))
        operators = SqliteQueueDesk(disk.data_dir)
        assert [one.number for one in operators.entries(which)] == numbers
        assert operators.count(which) == len(numbers)

    async def test_held_entries_are_not_claimed_until_they_are_released(self, disk: OnDisk, clock: ManualClock) -> None:
        queue, desk = disk.open(), Desk(room=0)
        queue.attach(desk)
        await keep(queue)
        operators = SqliteQueueDesk(disk.data_dir)
        assert operators.hold(QueueFilter(sender="corp.test")) == 1
        assert operators.hold(QueueFilter()) == 0, "it is held already"
        desk.free = 1
        queue.wake()
        assert operators.retry(QueueFilter(), now=clock.time) == 0
        assert operators.release(QueueFilter(), now=clock.time) == 1
        assert (await desk.next()).recipients[0].number == 0

    async def test_requirements_are_relaxed_where_nobody_delivers(self, disk: OnDisk, clock: ManualClock) -> None:
        queue, desk = disk.open(), Desk(room=1)
        queue.attach(desk)
        claimed = await keep(queue)
        claim = await desk.next()
        waits = await keep(queue, "bob@bank.test", "eve@shop.test", content=LARGE)
        await keep(queue, kept=OPPORTUNISTIC)
        operators = SqliteQueueDesk(disk.data_dir)
        (found,) = operators.required()
        assert found.message.id == waits.id
        assert found.message.content.head() == b"Subject: Large\r\n"
        assert [(one.number, one.kept) for one in found.recipients] == [(0, REQUIRED), (1, REQUIRED)]
        asked = [
            Relaxation(id=one, number=number, sender="", recipient="", old=old, new=OPPORTUNISTIC)
            for one, number, old in [(claimed.id, 0, REQUIRED), (waits.id, 0, ENCRYPTED), (waits.id, 1, REQUIRED)]
        ]
        assert operators.relax(asked, now=clock.time) == 1
        await settle(queue, settlement(claim))
        desk.free = 9
        queue.wake()
        claims = {claim.message.id: claim for claim in [await desk.next() for _ in range(2)]}
        assert [one.kept for one in claims[waits.id].recipients] == [REQUIRED, OPPORTUNISTIC]

    async def test_a_change_of_settings_brings_all_back_in_portions(
        self, disk: OnDisk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(held, "PORTION", 2)
        queue, desk = disk.open(), Desk()
        queue.attach(desk)
        for _ in range(3):
            await keep(queue)
        for _ in range(3):
            await settle(queue, settlement(await desk.next(), Status.DEFERRED, next_attempt=clock.time + 3600))
        queue.decide_again()
        assert len({(await desk.next()).message.id for _ in range(3)}) == 3

    async def test_a_change_of_settings_is_found_by_an_index(self, disk: OnDisk) -> None:
        queue = disk.open()
        await keep(queue)
        with contextlib.closing(
            apsw.Connection(str(layout.queue_database(layout.shard_directory(disk.data_dir, 0))))
        ) as raw:
            plan = rows(raw, f"EXPLAIN QUERY PLAN {queue_sql.TO_DECIDE_AGAIN}", (-1, -1, 9))
        assert "USING INDEX decide_again" in plan[0][3]

    async def test_what_is_deleted_is_gone_with_its_content(self, disk: OnDisk) -> None:
        queue, desk = disk.open(), Desk(room=1)
        queue.attach(desk)
        claimed = await keep(queue, content=LARGE)
        await desk.next()
        await keep(queue, content=LARGE)
        await keep(queue)
        operators = SqliteQueueDesk(disk.data_dir)
        assert operators.delete(QueueFilter()) == 2
        assert [(one.id, one.state) for one in operators.entries(QueueFilter())] == [(claimed.id, "claimed")]
        assert spooled(disk) == [claimed.id]

    async def test_a_message_stays_while_one_recipient_is_left(self, disk: OnDisk) -> None:
        queue, desk = disk.open(), Desk(room=0)
        queue.attach(desk)
        kept = await keep(queue, "bob@bank.test", "eve@shop.test", content=LARGE)
        operators = SqliteQueueDesk(disk.data_dir)
        assert operators.delete(QueueFilter(recipient="bank.test")) == 1
        assert spooled(disk) == [kept.id]
        assert operators.delete(QueueFilter(recipient="shop.test")) == 1
        assert spooled(disk) == []

    async def test_pages_join_without_gap_over_all_shards(self, tmp_path: Path, clock: ManualClock) -> None:
        loop = asyncio.get_running_loop()
        queues = [open_worker_queue(tmp_path, node="mail1", clock=clock, loop=loop) for _ in range(2)]
        for number in range(10):
            clock.time += 1
            await keep(queues[number % 2], "bob@bank.test", "eve@bank.test")
        operators = SqliteQueueDesk(tmp_path)
        everything = list(operators.entries(QueueFilter()))
        assert everything == sorted(everything, key=lambda one: (one.id, one.number))
        assert len(everything) == operators.count(QueueFilter()) == 20
        paged = []
        after = ""
        while page := list(operators.entries(QueueFilter(), after=after, limit=3)):
            paged += page
            after = f"{page[-1].id}/{page[-1].number}"
        assert paged == everything
        for queue in queues:
            await queue.close()

    async def test_a_retry_reaches_the_worker_by_itself(self, disk: OnDisk, clock: ManualClock) -> None:
        queue, desk = disk.open(), Desk()
        queue.attach(desk)
        message, _ = await keep(queue, "bob@bank.test", "eve@shop.test"), await keep(queue, "a@x.test", "b@x.test")
        for _ in range(2):
            await settle(queue, settlement(await desk.next(), Status.DEFERRED, next_attempt=clock.time + 9999))
        operators = SqliteQueueDesk(disk.data_dir)
        assert operators.retry(QueueFilter(id=message.id, recipient="shop.test"), now=clock.time) == 1
        claim = await desk.next()
        assert (claim.message.id, [one.number for one in claim.recipients]) == (message.id, [1])
        assert operators.retry(QueueFilter(), now=clock.time) == 3  # what is claimed is not touched
        assert operators.retry(QueueFilter(state="held"), now=clock.time) == 0

    async def test_a_retry_does_not_put_off_what_is_due(self, disk: OnDisk, clock: ManualClock) -> None:
        message = await keep(disk.open())
        SqliteQueueDesk(disk.data_dir).retry(QueueFilter(), now=clock.time + 100)
        (entry,) = SqliteQueueDesk(disk.data_dir).entries(QueueFilter(id=message.id))
        assert entry.next_attempt == clock.time

    @pytest.mark.parametrize("which", [QueueFilter(state="lost"), QueueFilter(recipient="a b@c")])
    def test_nonsense_is_refused(self, tmp_path: Path, which: QueueFilter) -> None:
        with pytest.raises(ValueError, match=r"no state|not a local part"):
            SqliteQueueDesk(tmp_path).count(which)

    async def test_the_worker_waits_for_another_writer(self, disk: OnDisk) -> None:
        queue = disk.open()
        await keep(queue)
        other = apsw.Connection(str(layout.queue_database(layout.shard_directory(disk.data_dir, 0))))
        with transaction(other):
            answer: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
            queue.accept(new_message(queue), answer.set_result)
            await asyncio.sleep(0.05)
            assert not answer.done()
        assert await asyncio.wait_for(answer, 10) is None
        other.close()


class TestCost:
    async def test_what_arrives_together_shares_a_commit(self, disk: OnDisk) -> None:
        """Counted in frames of the log: a hundred messages of a few bytes fit a handful of pages, many times written
        if each had a commit of its own."""
        queue = disk.open()
        await keep(queue)
        log = layout.queue_database(layout.shard_directory(disk.data_dir, 0)).with_name("queue.db-wal")
        before = log.stat().st_size
        await asyncio.gather(*(keep(queue) for _ in range(100)))
        assert (log.stat().st_size - before) / 8192 < 60

    async def test_claiming_does_not_scan_the_queue(self, disk: OnDisk) -> None:
        await keep(disk.open())
        connection = apsw.Connection(str(layout.queue_database(layout.shard_directory(disk.data_dir, 0))))
        for sql, bindings in (
            (queue_sql.DUE_MESSAGES, (1.0, 10)),
            (queue_sql.NEXT_DUE, ()),
            (queue_sql.CLAIM_RECIPIENTS, (1, 1.0)),
        ):
            plan = [str(row[3]) for row in rows(connection, f"EXPLAIN QUERY PLAN {sql}", bindings)]
            assert all(step.startswith("SEARCH") for step in plan), plan
        connection.close()

    async def test_reception_is_told_to_pause(self, disk: OnDisk) -> None:
        queue = disk.open()
        answers = [asyncio.create_task(keep(queue)) for _ in range(3000)]
        busy = [queue.busy]
        await asyncio.sleep(0)
        busy.append(queue.busy)
        await asyncio.gather(*answers)
        busy.append(queue.busy)
        assert busy == [False, True, False]


class TestIds:
    def test_they_read_as_they_are_written(self) -> None:
        assert id_number(queue_id(2**60 - 1)) == 2**60 - 1
        assert id_number(queue_id(0x688299D30D80000).lower()) == 0x688299D30D80000
        for text in ("", "12", "x" * 15, "-" + "0" * 14, "0" * 16):
            with pytest.raises(ValueError, match=r"id|int"):
                id_number(text)

    def test_shards_never_give_the_same(self, clock: ManualClock) -> None:
        sources = [IdSource(shard, clock, above=0) for shard in range(4)]
        numbers = [source.next() for source in sources for _ in range(5000)]
        assert len(set(numbers)) == len(numbers)

    def test_a_clock_that_goes_back_gives_no_id_twice(self, clock: ManualClock) -> None:
        source = IdSource(3, clock, above=0)
        before = [source.next() for _ in range(10)]
        clock.time -= 3600
        after = [source.next() for _ in range(2000)]
        assert sorted({*before, *after}) == before + after

    async def test_nor_does_a_restart(self, disk: OnDisk, clock: ManualClock) -> None:
        queue, desk = disk.open(), Desk()
        queue.attach(desk)
        last = await keep(queue)
        await settle(queue, settlement(await desk.next()))
        await disk.close()
        clock.time -= 3600
        assert disk.open().compose().id > last.id


async def test_only_the_owner_can_read(disk: OnDisk) -> None:
    await keep(disk.open(), content=LARGE)
    for path in disk.data_dir.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # SQLite's journals come and go
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot use"):
        open_worker_queue(tmp_path / "file", node="mail1", clock=clock, loop=asyncio.get_running_loop())
