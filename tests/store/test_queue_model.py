"""Any life of a queue, against a model of it: nothing is lost, comes twice without a word, or comes early."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from percorso.core.delivery.outcome import Status
from percorso.ports.queue import Claim, Queue, Settlement
from percorso.store.content import INLINE_LIMIT
from tests.store.mail import Desk, ManualClock, keep, settle, settlement
from tests.store.places import InMemory, OnDisk, Place

LARGE = b"Subject: Large\r\n\r\n" + b"x" * INLINE_LIMIT
SMALL = b"Subject: Small\r\n\r\n"

Where = tuple[str, int]
"""Queue id and number of a recipient."""


class Recipient(msgspec.Struct):
    """What the model knows of one recipient."""

    state: str = "queued"
    due: float = 0.0
    history: list[str] = msgspec.field(default_factory=list)


class Life(RuleBasedStateMachine):
    """A worker that accepts, delivers, crashes and starts again."""

    kind: ClassVar[str]

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="percorso-model-"))
        self.clock = ManualClock()
        self.place: Place = InMemory(self.clock) if self.kind == "memory" else OnDisk(self.folder, self.clock)
        self.model: dict[Where, Recipient] = {}
        self.claims: list[Claim] = []
        self.run(self.open())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    async def open(self) -> None:
        self.queue: Queue = self.place.open()
        self.desk = Desk(room=3)
        self.queue.attach(self.desk)
        await self.look()

    async def look(self) -> None:
        """Let the queue come to rest, and check every claim that it hands out."""
        quiet = 0
        while quiet < 2:
            self.queue.wake()
            await settle(self.queue, Settlement(message_id="0" * 15, results=()))
            quiet = 0 if self.desk.claims else quiet + 1
            while self.desk.claims:
                self.note(await self.desk.next())

    def note(self, claim: Claim) -> None:
        for one in claim.recipients:
            known = self.model[claim.message.id, one.number]
            assert known.state == "queued", f"claimed while {known.state}"
            assert known.due <= self.clock.time, "claimed before it was due"
            assert one.attempts == len(known.history)
            known.state = "claimed"
        self.claims.append(claim)

    def end(self, where: Where, status: str, due: float = 0.0) -> None:
        known = self.model[where]
        known.history.append(status)
        known.state = {"delivered": "gone", "failed": "gone", "held": "held"}.get(status, "queued")
        known.due = due

    @rule(recipients=st.integers(1, 3), large=st.sampled_from([False, False, False, True]))
    def accept(self, recipients: int, large: bool) -> None:
        async def work() -> None:
            addresses = [f"user{number}@bank.test" for number in range(recipients)]
            sent = asyncio.create_task(keep(self.queue, *addresses, content=LARGE if large else SMALL))
            message = await sent
            for number in range(recipients):
                self.model[message.id, number] = Recipient(due=self.clock.time)
            await self.look()

        self.run(work())

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        statuses = {one.number: data.draw(st.sampled_from(list(Status))) for one in claim.recipients}
        due = self.clock.time + data.draw(st.sampled_from([0.0, 60.0]))
        self.run(self.do_settle(claim, statuses, due))

    async def do_settle(self, claim: Claim, statuses: dict[int, Status], due: float) -> None:
        for status in set(statuses.values()):
            numbers = [number for number, chosen in statuses.items() if chosen is status]
            for number in numbers:
                self.end((claim.message.id, number), status, due)
            await settle(self.queue, settlement(claim, status, numbers=numbers, next_attempt=due))
        self.desk.free += 1
        await self.look()

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), wait=st.sampled_from([0.0, 30.0]))
    def release(self, data: st.DataObject, wait: float) -> None:
        claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        due = self.clock.time + wait
        for one in claim.recipients:
            known = self.model[claim.message.id, one.number]
            known.state, known.due = "queued", due

        async def work() -> None:
            self.queue.release(claim, due=due)
            self.desk.free += 1
            await self.look()

        self.run(work())

    @rule(seconds=st.sampled_from([1.0, 31.0, 61.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.time += seconds
        self.run(self.look())

    @rule(crash=st.booleans())
    def restart(self, crash: bool) -> None:
        async def work() -> None:
            await (self.place.crash() if crash else self.place.close())
            self.claims.clear()
            for where, known in self.model.items():
                if known.state == "claimed":
                    self.end(where, "uncertain", self.clock.time)
            await self.open()

        self.run(work())

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            try:
                self.run(self.drain())
            finally:
                self.run(self.place.close())
                self.loop.run_until_complete(self.loop.shutdown_default_executor())
                self.loop.close()
                shutil.rmtree(self.folder)

    async def drain(self) -> None:
        """In the end everything is delivered that is not held, and the evidence is exactly what the model saw."""
        while any(known.state in {"queued", "claimed"} for known in self.model.values()):
            self.clock.time += 61
            await self.look()
            assert self.claims, "something is lost"
            claim = self.claims.pop()
            await self.do_settle(claim, {one.number: Status.DELIVERED for one in claim.recipients}, 0.0)
        found: dict[tuple[str, str], list[str]] = {}
        for evidence, parties in self.place.attempts():
            found.setdefault((evidence.queue_id, parties.recipient), []).append(evidence.status)
        assert found == {
            (ident, f"user{number}@bank.test"): known.history for (ident, number), known in self.model.items()
        }


class LifeOnDisk(Life):
    kind = "disk"


class LifeInMemory(Life):
    kind = "memory"


def test_any_life_on_disk() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    limits = settings(max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(LifeOnDisk, settings=limits)


def test_any_life_in_memory() -> None:
    limits = settings(max_examples=60, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(LifeInMemory, settings=limits)
