"""A lane: every item is worked on once, by a bounded number of workers that go home when nothing comes."""

import asyncio
import time

from percorso.delivery.lane import Lane


class Bench:
    """Work that waits until the test lets it go on."""

    def __init__(self, *, width: int, linger: float = 10.0) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.lane: Lane[int] = Lane(self._work, width=width, linger=linger, owner=lambda item: item // 100)

    async def _work(self, item: int) -> None:
        self.begun.append(item)
        await self.gates.setdefault(item, asyncio.Event()).wait()
        self.ended.append(item)

    async def let_go(self, *items: int) -> None:
        for item in items:
            self.gates.setdefault(item, asyncio.Event()).set()
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_than_its_width_at_once() -> None:
    bench = Bench(width=2)
    for item in range(5):
        bench.lane.put(item)
    await settle()
    assert bench.begun == [0, 1]
    assert bench.lane.waiting == 3
    await bench.let_go(0, 1, 2, 3, 4)
    assert sorted(bench.ended) == [0, 1, 2, 3, 4]
    bench.lane.dismiss()
    await bench.lane.ended(timeout=5)


async def test_an_idle_worker_takes_what_comes_next_without_a_new_task() -> None:
    bench = Bench(width=5)
    bench.lane.put(1)
    await settle()
    await bench.let_go(1)
    tasks = len(asyncio.all_tasks())
    bench.lane.put(2)
    await settle()
    assert bench.begun == [1, 2]
    assert len(asyncio.all_tasks()) == tasks
    await bench.let_go(2)
    bench.lane.dismiss()
    await bench.lane.ended(timeout=5)


async def test_workers_go_home_and_come_back() -> None:
    bench = Bench(width=2, linger=0.001)
    bench.lane.put(1)
    await bench.let_go(1)
    while not bench.lane.deserted:  # noqa: ASYNC110 (it tells nobody)
        await asyncio.sleep(0.001)
    bench.lane.put(2)
    await bench.let_go(2)
    assert bench.ended == [1, 2]
    bench.lane.dismiss()
    await bench.lane.ended(timeout=5)


async def test_work_that_comes_in_the_moment_a_worker_gives_up() -> None:
    bench = Bench(width=1, linger=0.01)
    loop = asyncio.get_running_loop()
    unhandled: list[object] = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    bench.lane.put(1)
    await bench.let_go(1)
    loop.call_later(0.005, bench.lane.put, 2)
    time.sleep(0.03)  # noqa: ASYNC251  both timers are due in the same turn of the loop
    await bench.let_go(2)
    assert bench.ended == [1, 2]
    assert unhandled == []
    bench.lane.dismiss()
    await bench.lane.ended(timeout=5)


async def test_what_no_worker_has_taken_can_be_taken_back() -> None:
    bench = Bench(width=1)
    for item in range(5):
        bench.lane.put(item)
    await settle()
    assert bench.lane.shed(2) == [4, 3]
    assert bench.lane.shed(2) == []
    assert bench.lane.dismiss() == [2, 1]
    await bench.let_go(0)
    await bench.lane.ended(timeout=5)
    assert bench.ended == [0]


async def test_who_is_late_at_the_end_is_cancelled() -> None:
    bench = Bench(width=1)
    bench.lane.put(1)
    await settle()
    bench.lane.dismiss()
    await bench.lane.ended(timeout=0.01)
    assert bench.begun == [1]
    assert bench.ended == []
    assert bench.lane.deserted


async def test_one_of_each_owner_in_turn() -> None:
    bench = Bench(width=1)
    for item in (0, 1, 2, 3, 100, 101, 200):
        bench.lane.put(item)
    await settle()
    await bench.let_go(0, 1, 2, 3, 100, 101, 200)
    assert bench.ended == [0, 100, 200, 1, 101, 2, 3]
    bench.lane.dismiss()
    await bench.lane.ended(timeout=5)


async def test_who_has_most_gives_back_first() -> None:
    bench = Bench(width=0)
    for item in (0, 1, 2, 100):
        bench.lane.put(item)
    assert bench.lane.count(0) == 3
    assert bench.lane.shed(2) == [2, 1]
    assert sorted(bench.lane.shed(0)) == [0, 100]


async def test_more_or_fewer_workers_while_it_goes_on() -> None:
    bench = Bench(width=1)
    for item in range(6):
        bench.lane.put(item)
    await settle()
    bench.lane.widen(3)
    await settle()
    assert bench.begun == [0, 1, 2]
    bench.lane.widen(1)
    await bench.let_go(0, 1)
    assert bench.begun == [0, 1, 2]
    await bench.let_go(2)
    assert bench.begun == [0, 1, 2, 3]
    await bench.let_go(3, 4, 5)
    assert bench.ended == [0, 1, 2, 3, 4, 5]
    bench.lane.dismiss()
    await bench.lane.ended(timeout=5)
