"""The disk under the data directory: room, and how long it takes until something is really on it.

250 is said when a commit is on stable storage, so the time of an fsync is in every message's way, and a disk that only
says so loses mail with the power.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import Patient

SPACE: Final = "disk space"
FSYNC: Final = "fsync"
ROUNDS: Final = 40
BLOCK: Final = 4096  # octets
ENOUGH_TIME: Final = 3.0  # seconds after which no more rounds are begun
SLOW: Final = 0.050  # seconds: the 99th percentile that still gives 250 quickly
IMPLAUSIBLE: Final = 20e-6  # seconds: no medium takes a new block durably in less
LITTLE: Final = 2 * 1024**3  # octets
TOO_LITTLE: Final = 256 * 1024**2
VOLATILE: Final = frozenset({"tmpfs", "ramfs", "devtmpfs"})
NO_FOLDER: Final = "the first `percorso serve` makes it; examine again afterwards"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the disk showed. `fsyncs` are the seconds that each took."""

    folder: str
    filesystem: str = ""  # its kind, such as "ext4"
    free: int = 0  # octets
    total: int = 0
    free_files: int | None = None  # inodes; None where the file system has no limit
    fsyncs: tuple[float, ...] = ()
    problem: str = ""  # why nothing could be seen


def judge(seen: Seen) -> list[Finding]:
    """Room and durability."""
    if seen.problem:
        return [unknown(check, f"{seen.folder}: {seen.problem}", NO_FOLDER) for check in (SPACE, FSYNC)]
    return [_space(seen), _durability(seen)]


def _space(seen: Seen) -> Finding:
    share = seen.free / seen.total if seen.total else 0.0
    text = f"{seen.free / 1024**3:.1f} GiB free ({share:.0%}) for {seen.folder}"
    mend = "make room, or move data_dir: without room new mail is refused with 452"
    if seen.free < TOO_LITTLE or seen.free_files == 0:
        return fail(SPACE, text if seen.free_files != 0 else f"no inode is free for {seen.folder}", mend)
    return warn(SPACE, text, mend) if seen.free < LITTLE else ok(SPACE, text)


def _durability(seen: Seen) -> Finding:
    if seen.filesystem in VOLATILE:
        mend = "put data_dir on a disk: what is accepted here is gone with the next restart of the machine"
        return fail(FSYNC, f"{seen.folder} is in memory ({seen.filesystem})", mend)
    half, most = percentile(seen.fsyncs, 0.50), percentile(seen.fsyncs, 0.99)
    text = f"half within {half * 1000:.2f} ms, 99 % within {most * 1000:.2f} ms ({seen.filesystem or 'file system ?'})"
    if half < IMPLAUSIBLE:
        mend = "make sure that the disk, its controller and the hypervisor do not only pretend to write through"
        return warn(FSYNC, f"{text}: faster than a disk can be", mend)
    if most > SLOW:
        mend = "use a faster disk, or one with a protected write cache: each accepted message waits for this"
        return warn(FSYNC, f"{text}: slow", mend)
    return ok(FSYNC, text)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def check(patient: Patient) -> list[Finding]:
    """Look and judge; takes at most a few seconds."""
    return judge(await asyncio.to_thread(look, patient.configuration.node.data_dir))


def look(folder: Path) -> Seen:
    """Measure in the folder; leaves nothing behind."""
    try:
        room = os.statvfs(folder)
        fsyncs = _fsyncs(folder)
    except OSError as error:
        return Seen(folder=str(folder), problem=error.strerror or str(error))
    return Seen(
        folder=str(folder),
        filesystem=_filesystem(folder),
        free=room.f_bavail * room.f_frsize,
        total=room.f_blocks * room.f_frsize,
        free_files=room.f_favail if room.f_files else None,
        fsyncs=fsyncs,
    )


def _fsyncs(folder: Path) -> tuple[float, ...]:
    """Seconds of each fsync of a growing file, as a write-ahead log grows."""
    times: list[float] = []
    begun = time.perf_counter()
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        while len(times) < ROUNDS and time.perf_counter() - begun < ENOUGH_TIME:
            file.write(os.urandom(BLOCK))
            before = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - before)
    return tuple(times)


def _filesystem(folder: Path) -> str:
    """The kind of file system that the folder is on; "" where the machine does not tell."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    kinds = {fields[1]: fields[2] for line in mounts.splitlines() if len(fields := line.split()) > 2}
    place = folder.resolve()
    return next((kinds[str(one)] for one in (place, *place.parents) if str(one) in kinds), "")
