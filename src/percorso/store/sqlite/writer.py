"""The store thread of one shard: collects work, commits it together, and tells the event loop once per commit.

1. Whatever came in while the last commit ran is the next batch. A busy thread waits 2 ms for company, since every
   commit costs a sync and several writes; an idle one commits at once.
2. Where a commit fails, acceptances are refused; settlements and releases are kept and tried again, until they are
   stored or the process ends.
3. Work that fails for its own reason does not take the others along: the batch is then done one by one.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

import apsw

from percorso.ports.clock import Clock
from percorso.ports.queue import StoreError
from percorso.store.errors import store_error
from percorso.store.sqlite.shard_database import ShardDatabase
from percorso.store.sqlite.work import Accept, Outcome, Seek, Stop, Work

MAX_WORK: Final = 512
MAX_OCTETS: Final = 16 * 1024 * 1024
"""Bounds of one batch, so that a commit stays short."""
GATHER_SECONDS: Final = 0.002
"""How long a batch gathers while there is work. 1 ms and 4 ms gained less."""
POLL_SECONDS: Final = 0.25
"""How often another process's changes are looked for."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between tries to store what must not be lost."""
LAST_TRIES: Final = 10
"""Tries at the end of the process, before what is kept is left to the recovery."""

_TROUBLE: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.NoMemError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ProtocolError,
)
"""Errors of the disk or the database, which no single piece of work is the reason of."""

_log = logging.getLogger("percorso.store")


class Writer:
    """Works a shard's database in a thread of its own; `report` is called in that thread.

    With `tells_empty` it also reports, when it is idle, that nothing is left in the queue.
    """

    def __init__(
        self, database: ShardDatabase, clock: Clock, report: Callable[[Outcome], None], *, tells_empty: bool = False
    ) -> None:
        self._database = database
        self._clock = clock
        self._report = report
        self._tells_empty = tells_empty
        self._inbox: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._kept: list[Work] = []  # settlements and releases that could not be stored yet
        self._pause = FIRST_PAUSE
        self._retry_at = 0.0  # monotonic
        self._looked_at = 0.0  # monotonic
        self._busy = False  # something was committed within the last `POLL_SECONDS`
        self._stop = False
        self._recovered = False
        self.put = self._inbox.put
        """Hand over work, from any thread."""

    def start(self, name: str, recover: Callable[[], object]) -> None:
        """Begin with `recover`, in the thread; work that is put meanwhile waits for it."""
        threading.Thread(target=self._run, args=(recover,), name=name, daemon=True).start()

    def _run(self, recover: Callable[[], object]) -> None:
        self._recover(recover)
        self._look()
        while not self._stop:
            batch = self._collect()
            if batch:
                self._commit(batch)
            self._keep_time(idle=not batch)
        self._finish()

    def _recover(self, recover: Callable[[], object]) -> None:
        """Until it succeeds, nothing is accepted: a later recovery would take living claims for dead ones."""
        told = ""
        while not self._stop:
            try:
                recover()
                self._recovered = True
                break
            except Exception as error:
                if str(error) != told:
                    told = str(error)
                    _log.exception("a shard cannot be recovered; trying again")
                self._refuse(self._collect(), error)

    def _collect(self) -> list[Work]:
        """The next batch: waits for the first piece of work, takes what else is there."""
        batch: list[Work] = []
        octets = 0
        try:
            work = self._inbox.get(timeout=self._pause if self._kept else POLL_SECONDS)
            if self._busy and not isinstance(work, Stop):
                time.sleep(GATHER_SECONDS)
            while True:
                if isinstance(work, Stop):
                    self._stop = True
                    break
                batch.append(work)
                octets += work.message.content.size if isinstance(work, Accept) else 0
                if len(batch) >= MAX_WORK or octets >= MAX_OCTETS:
                    break
                work = self._inbox.get_nowait()
        except queue.Empty:
            pass
        self._busy = bool(batch)
        return batch

    def _commit(self, batch: list[Work]) -> None:
        began = self._clock.monotonic()
        try:
            outcome = self._database.apply(batch, self._clock.now())
        except _TROUBLE as error:
            self._refuse(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _log.exception("work that the store cannot do")
                self._refuse(batch, error)
            else:
                for work in batch:
                    self._commit([work])
        else:
            outcome.work, outcome.seconds = len(batch), self._clock.monotonic() - began
            self._tell(outcome)

    def _refuse(self, batch: list[Work], error: Exception) -> None:
        """Refuse the acceptances of a batch that failed, and see that the rest is stored."""
        failure = store_error(error, self._database.path)
        outcome = Outcome()
        lasting: list[Work] = []
        for work in batch:
            if isinstance(work, Accept):
                self._database.forget(work.message, failure)
                outcome.refused.append((work, failure))
            elif isinstance(work, Seek):
                outcome.sought += work.limit
            else:
                lasting.append(work)
        if len(lasting) < len(batch):
            self._tell(outcome)
            if lasting:  # they may find room where all together did not
                self._commit(lasting)
        elif lasting:
            self._keep(lasting, failure)

    def _keep(self, lasting: list[Work], failure: StoreError) -> None:
        _log.error("%d results wait to be stored: %s", len(lasting), failure)
        self._kept += lasting
        self._retry_at = self._clock.monotonic() + self._pause

    def _retry(self) -> None:
        kept, self._kept = self._kept, []
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._commit(kept)
        if not self._kept:
            self._pause = FIRST_PAUSE
            _log.warning("%d results that waited are stored", len(kept))

    def _keep_time(self, *, idle: bool) -> None:
        """What is done now and then, under load too."""
        now = self._clock.monotonic()
        if self._kept and (idle or now >= self._retry_at):
            self._retry()
        if idle or now - self._looked_at >= POLL_SECONDS:
            self._looked_at = now
            self._look()

    def _look(self) -> None:
        """Tell what is due, also because another process changed the queue."""
        self._database.notice_changes()
        due = self._database.next_due()
        if due is None:
            if self._tells_empty and self._database.empty():
                self._report(Outcome(empty=True))
        elif due <= self._clock.now():
            self._report(Outcome(next_due=due))

    def _tell(self, outcome: Outcome) -> None:
        if self._recovered:  # until then nothing can be claimed, however due it is
            outcome.next_due = self._database.next_due()
        self._report(outcome)

    def _finish(self) -> None:
        """Store what is kept, if that can be done soon, and end."""
        for _ in range(LAST_TRIES):
            if not self._kept:
                break
            time.sleep(FIRST_PAUSE)
            self._retry()
        self._database.close()
        self._report(Outcome(stopped=True))
