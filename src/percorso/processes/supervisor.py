"""The supervisor: forks workers, restarts those that die, and stops them all in order.

1. It forks before any thread or event loop exists, so that a child begins clean.
2. A worker that dies is restarted after a pause that doubles up to 5 s, and is short again
   once a worker has lived for a minute.
3. SIGTERM or SIGINT stops gracefully: workers get SIGTERM and the grace time, then SIGKILL.
   A second signal does not wait.
4. A worker must not outlive its supervisor: it holds the read end of a pipe (`lifeline`) whose
   write end only the supervisor has, and stops when that end closes, even by `kill -9`.
5. Whoever started the node is told when all its workers serve, and then, if wanted, that they still do.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from percorso.processes.notify import InitSystem

log = logging.getLogger(__name__)

MAX_PAUSE: Final = 5.0  # seconds before a restart, at most
SETTLED: Final = 60.0  # seconds of life after which a worker counts as well
_STARTING: Final = 0.1  # seconds between looks at whether all serve
_SIGNALS: Final = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Work = Callable[[int, int], int]
"""Runs worker NUMBER until it is told to stop: `work(number, lifeline_fd) -> exit code`."""


class _Worker(msgspec.Struct):
    pid: int = 0
    born: float = 0.0
    pause: float = 0.1
    due: float = 0.0  # when to fork it again, while pid is 0


class Supervisor:
    """Keeps `count` workers running until it is told to stop."""

    def __init__(
        self,
        work: Work,
        *,
        count: int,
        grace: float,
        serving: Callable[[], bool] = lambda: True,
        init: InitSystem | None = None,
    ) -> None:
        """`serving` tells whether the workers do their work now; `init` is who started the node."""
        self._work = work
        self._grace = grace
        self._serving = serving
        self._init = init or InitSystem({})
        self._ready = False
        self._workers = [_Worker() for _ in range(count)]
        self._lifeline, self._held = os.pipe()

    def run(self) -> int:
        """Fork the workers and watch over them; returns the exit code of the node."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            while True:
                self._start_due()
                self._tell()
                caught = signal.sigtimedwait(_SIGNALS, self._until_due())
                self._reap()
                if caught and caught.si_signo in (signal.SIGTERM, signal.SIGINT):
                    return self._stop()
                if caught and caught.si_signo == signal.SIGHUP:
                    self._reload()
        finally:
            os.close(self._held)
            os.close(self._lifeline)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _tell(self) -> None:
        if not self._serving():
            return
        if not self._ready:
            self._ready = True
            self._init.ready()
        if self._init.watchdog:
            self._init.alive()

    def _reload(self) -> None:
        self._init.reloading()
        self._signal_all(signal.SIGHUP)
        self._init.ready()

    def _start_due(self) -> None:
        now = time.monotonic()
        for number, worker in enumerate(self._workers):
            if worker.pid == 0 and worker.due <= now:
                worker.pid, worker.born = self._fork(number), now

    def _fork(self, number: int) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._become_worker(number)
        return pid

    def _become_worker(self, number: int) -> NoReturn:
        code = 70  # EX_SOFTWARE
        try:
            os.close(self._held)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor answers it
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the worker has a use for it
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = self._work(number, self._lifeline)
        except BaseException:
            log.exception("worker %d failed", number)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _until_due(self) -> float:
        waits = [worker.due - time.monotonic() for worker in self._workers if worker.pid == 0]
        look = _STARTING if not self._ready else self._init.watchdog or 3600.0
        return max(0.0, min([look, *waits]))

    def _reap(self) -> None:
        for worker in self._workers:
            if worker.pid == 0:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                self._bury(worker, os.waitstatus_to_exitcode(status))

    def _bury(self, worker: _Worker, code: int) -> None:
        now = time.monotonic()
        worker.pause = 0.1 if now - worker.born > SETTLED else min(worker.pause * 2, MAX_PAUSE)
        worker.due = now + worker.pause
        log.error("worker (pid %d) ended with %d; a new one starts in %.1f s", worker.pid, code, worker.pause)
        worker.pid = 0

    def _stop(self) -> int:
        self._init.stopping()
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        while self._living() and (left := deadline - time.monotonic()) > 0:
            caught = signal.sigtimedwait(_SIGNALS, min(left, 1.0))
            self._collect()
            if caught and caught.si_signo in (signal.SIGTERM, signal.SIGINT):
                break
        if self._living():
            log.error("workers did not stop within %.0f s and are killed; their mail stays queued", self._grace)
            self._signal_all(signal.SIGKILL)
            self._collect(wait=True)
            return 1
        return 0

    def _collect(self, *, wait: bool = False) -> None:
        for worker in self._living():
            pid, _ = os.waitpid(worker.pid, 0 if wait else os.WNOHANG)
            worker.pid = 0 if pid else worker.pid

    def _living(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.pid]

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self._living():
            os.kill(worker.pid, number)
