"""One measured run: a source process, the server between, a sink process, and the figures."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from percorso.lab.load import usage
from percorso.lab.load.sink import Sink, server_context
from percorso.lab.load.source import LoadPlan, Source, SourceFailed, SourceReport
from percorso.lab.load.tally import Tally

PATIENCE = 30.0  # seconds without a message at the sink
_QUIET = 10.0  # seconds at most that the server has to put its things in order afterwards
_FORK = multiprocessing.get_context("fork")  # source and sink share the tally and the listener with us

Progress = Callable[[int, int], None]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one run showed. Times in milliseconds, CPU per message over all processes of the server."""

    messages: int
    rate: float  # messages a second, from the first sent to the last received
    cpu_ms: float
    ack_p50_ms: float
    ack_p99_ms: float
    memory_mib: float  # the peak
    source_cpu_ms: float
    sink_cpu_ms: float
    lost: int
    doubled: int


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """A source that waits for plans, and a sink that takes what comes."""

    source: Connection
    port: int  # the sink's
    sink_process: int
    tally: Tally


@contextmanager
def source_and_sink(
    certificate: Path, key: Path, messages: int, *, address: str = "127.0.0.1", implicit: bool = False
) -> Iterator[Ends]:
    """Both in processes of their own until the block ends; up to `messages` in one plan.

    They are forked here: enter the block before there is any thread.
    """
    tally = Tally(messages)
    context = server_context(certificate, key)
    ours, theirs = _FORK.Pipe()
    with socket.create_server((address, 0), backlog=256) as listener:
        taking = _FORK.Process(target=Sink(listener, context, tally, implicit=implicit).run, daemon=True)
        sending = _FORK.Process(target=_serve_plans, args=(theirs,), daemon=True)
        processes = (taking, sending)
        try:
            for process in processes:
                process.start()
            yield Ends(source=ours, port=listener.getsockname()[1], sink_process=taking.pid or 0, tally=tally)
        finally:
            for process in processes:
                process.terminate()
                process.join()
            ours.close()
            theirs.close()


def _serve_plans(orders: Connection) -> None:
    while True:
        plan: LoadPlan = orders.recv()
        try:
            orders.send(Source(plan).run())
        except (SourceFailed, OSError) as failure:
            orders.send(f"{type(failure).__name__}: {failure}")


class _Watch:
    """Follows a run from outside: progress, stalls, the server's peak memory."""

    def __init__(self, tally: Tally, messages: int, server: int, progress: Progress) -> None:
        self._tally = tally
        self._messages = messages
        self._server = server
        self._progress = progress
        self._taken = -1
        self._moved = time.monotonic()
        self.memory = 0

    def look(self) -> bool:
        """Whether the run goes on."""
        if self._tally.taken != self._taken:
            self._taken, self._moved = self._tally.taken, time.monotonic()
            self._progress(self._taken, self._messages)
        self.memory = max(self.memory, usage.memory_bytes(self._server))
        return self._taken < self._messages and time.monotonic() - self._moved < PATIENCE


def _wait_until_quiet(server: int) -> float:
    """CPU seconds of the server when it has stopped working on what it took."""
    deadline = time.monotonic() + _QUIET
    used = usage.cpu_seconds(server)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        before, used = used, usage.cpu_seconds(server)
        if used - before <= 0.02:
            break
    return used


def measure(plan: LoadPlan, ends: Ends, server: int, progress: Progress = lambda _taken, _all: None) -> Figures:
    """Send the plan's messages through the server whose first process is `server`; raises `SourceFailed`."""
    ends.tally.reset()
    used = usage.cpu_seconds(server)
    sink_used = usage.cpu_seconds(ends.sink_process)
    ends.source.send(plan)
    watch = _Watch(ends.tally, plan.messages, server, progress)
    report: SourceReport | None = None
    while watch.look():
        if report is None and ends.source.poll(0.25):
            report = _received(ends.source)
        elif report is not None:
            time.sleep(0.05)
    report = report or _received(ends.source)
    used = _wait_until_quiet(server) - used
    sink_used = usage.cpu_seconds(ends.sink_process) - sink_used
    return _figures(report, ends.tally, cpu=used, sink_cpu=sink_used, memory=watch.memory)


def _received(source: Connection) -> SourceReport:
    if not source.poll(PATIENCE):
        raise SourceFailed(f"no end after {PATIENCE:.0f} s")
    received = source.recv()
    if isinstance(received, SourceReport):
        return received
    raise SourceFailed(str(received))


def _figures(report: SourceReport, tally: Tally, *, cpu: float, sink_cpu: float, memory: int) -> Figures:
    count = len(report.latencies)
    return Figures(
        messages=count,
        rate=tally.taken / (tally.last - report.started) if tally.taken else 0.0,
        cpu_ms=cpu / count * 1000,
        ack_p50_ms=report.latencies[count // 2] * 1000,
        ack_p99_ms=report.latencies[count * 99 // 100] * 1000,
        memory_mib=memory / 2**20,
        source_cpu_ms=report.cpu_seconds / count * 1000,
        sink_cpu_ms=sink_cpu / count * 1000,
        lost=len(tally.lost(count)),
        doubled=len(tally.doubled()),
    )
