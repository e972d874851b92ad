"""`kill -9` under load: every promise that the worker made is found to be true."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from percorso.ports.evidence import EvidenceFilter
from percorso.store.lock import FileLock
from percorso.store.sqlite import adoption
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog
from percorso.store.sqlite.queue import SqliteQueue, open_worker_queue
from tests.store.mail import Desk, keep, settle, settlement
from tests.store.worker import Clock

ROOT = Path(__file__).parent.parent.parent


class Promises:
    """What a worker told before it was killed."""

    def __init__(self, lines: list[str]) -> None:
        told = [line.split() for line in lines if line.count(" ") == 1 and len(line.split()[1]) == 15]
        self.accepted = {ident for word, ident in told if word == "accepted"}
        self.delivering = {ident for word, ident in told if word == "delivering"}
        self.settled = {ident for word, ident in told if word == "settled"}


def run_and_kill(data_dir: Path, acceptances: int) -> Promises:
    """Start a worker, and kill it after so many acceptances."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.worker", str(data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    lines: list[str] = []
    seen = 0
    while seen < acceptances and (line := process.stdout.readline()):
        lines.append(line)
        seen += line.startswith("accepted")
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait(timeout=10) == -signal.SIGKILL
    return Promises([line for line in lines if line.endswith("\n")])


def attempts(data_dir: Path) -> dict[str, list[str]]:
    """The statuses of each message's attempts, the oldest first."""
    found = sorted(SqliteEvidenceLog(data_dir).search(EvidenceFilter(), limit=10**6), key=lambda one: one.number)
    by_id: dict[str, list[str]] = {}
    for stored in found:
        by_id.setdefault(stored.evidence.queue_id, []).append(stored.evidence.status)
    return by_id


async def deliver_all(queue: SqliteQueue) -> Counter[str]:
    """Deliver until nothing comes for a second."""
    desk = Desk(room=50)
    queue.attach(desk)
    delivered: Counter[str] = Counter()
    while True:
        try:
            claim = await asyncio.wait_for(desk.next(), 1.0)
        except TimeoutError:
            return delivered
        await settle(queue, settlement(claim))
        delivered[claim.message.id] += 1
        desk.free += 1
        queue.wake()


@pytest.mark.parametrize("acceptances", [1, 37, 400])
async def test_kill_9_under_load(tmp_path: Path, acceptances: int) -> None:
    promises = run_and_kill(tmp_path, acceptances)
    queue = open_worker_queue(tmp_path, node="mail1", clock=Clock(), loop=asyncio.get_running_loop())
    delivered_later = await deliver_all(queue)
    await queue.close()

    history = attempts(tmp_path)
    for ident in promises.accepted:
        assert history.get(ident, [])[-1:] == ["delivered"], f"{ident} was accepted, and lost: {history.get(ident)}"
    for ident in promises.settled:
        assert ident not in delivered_later, f"{ident} was settled, and delivered again"
    for ident in promises.delivering - promises.settled:
        again = history[ident].count("delivered") - (ident not in delivered_later)
        assert again <= 1
        if ident in delivered_later:
            assert history[ident] == ["uncertain", "delivered"], f"{ident} was tried again without a word"
    assert all(statuses.count("delivered") == 1 for statuses in history.values())
    SqliteEvidenceLog(tmp_path).verify()
    spool = tmp_path / "queue" / "shard-00" / "spool"
    assert list(spool.iterdir()) == [], "files were left behind"


async def test_a_dead_workers_mail_is_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A living worker, with a shard of its own, takes over what a killed one held; its own mail goes on."""
    monkeypatch.setattr(adoption, "ADOPTION_SECONDS", 0.05)
    dead = run_and_kill_beside(tmp_path)
    queue = dead.queue
    own = await keep(queue)
    delivered = await deliver_all(queue)
    assert own.id in delivered
    assert set(delivered) - {own.id}, "nothing was adopted"
    assert not dead.promises.settled & set(delivered)
    history = attempts(tmp_path)
    assert all(history[ident][-1] == "delivered" for ident in dead.promises.accepted)
    heads = SqliteEvidenceLog(tmp_path).verify()
    assert sorted(head.chain for head in heads) == ["mail1/0", "mail1/1"]
    await queue.close()


class Beside:
    """A living worker that was opened while another held the first shard, which was then killed."""

    def __init__(self, queue: SqliteQueue, promises: Promises) -> None:
        self.queue = queue
        self.promises = promises


def run_and_kill_beside(data_dir: Path) -> Beside:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.worker", str(data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(60)]
    queue = open_worker_queue(data_dir, node="mail1", clock=Clock(), loop=asyncio.get_running_loop())
    assert (data_dir / "queue" / "shard-01").is_dir(), "the held shard was not to be had"
    process.kill()
    lines += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    process.wait(timeout=10)
    return Beside(queue, Promises([line for line in lines if line.endswith("\n")]))


async def test_an_adopted_shard_is_given_up_when_it_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the next worker that starts finds it, and shards do not become more with every restart."""
    monkeypatch.setattr(adoption, "ADOPTION_SECONDS", 0.05)
    loop = asyncio.get_running_loop()

    def start() -> SqliteQueue:
        return open_worker_queue(tmp_path, node="mail1", clock=Clock(), loop=loop)

    first, second = start(), start()
    left = await keep(second)
    await second.close()
    assert list(await deliver_all(first)) == [left.id]
    lock = FileLock(tmp_path / "queue" / "shard-01" / "lock")
    deadline = time.monotonic() + 10
    while not lock.take():
        assert time.monotonic() < deadline, "the empty shard is still held"
        await asyncio.sleep(0.02)
    lock.free()
    await first.close()


async def test_workers_that_start_together_each_find_a_shard(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(3):
        queues = [open_worker_queue(tmp_path, node="mail1", clock=Clock(), loop=loop) for _ in range(3)]
        for queue in queues:
            await queue.close()
    assert sorted(path.name for path in (tmp_path / "queue").iterdir()) == ["shard-00", "shard-01", "shard-02"]
