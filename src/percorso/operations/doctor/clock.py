"""The clock: certificates, retries and evidence all go by it.

What can be known without asking anybody: whether the kernel says that something keeps it right (adjtimex(2)), whether
it agrees with the clock of the disk, and whether it stands before what was written here earlier.
"""

import asyncio
import ctypes
import os
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from percorso.operations.doctor.finding import Finding, fail, ok, unknown, warn
from percorso.operations.doctor.patient import Patient

CHECK: Final = "clock"
DISK_SKEW: Final = 2.0  # seconds
STA_UNSYNC: Final = 0x0040  # <sys/timex.h>
BUILT: Final = 1_767_225_600.0  # 2026-01-01: no clock that is right stands before this program

_SYNCHRONIZE: Final = "run a time service: `timedatectl set-ntp true`, chrony or ntpd"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Times in unix seconds; None for what could not be seen."""

    now: float
    on_disk: float | None = None
    last_change: float = 0.0
    synchronized: bool | None = None
    error: float = 0.0  # what the kernel thinks the clock is off at most, seconds


def judge(seen: Seen) -> list[Finding]:
    """Whether the clock can be relied on."""
    if seen.now < max(BUILT, seen.last_change):
        text = f"it says {_date(seen.now)}, which is past: the settings in force were made {_date(seen.last_change)}"
        return [fail(CHECK, text if seen.last_change else f"it says {_date(seen.now)}, which is past", _SYNCHRONIZE)]
    if seen.on_disk is not None and abs(seen.on_disk - seen.now) > DISK_SKEW:
        skew = seen.on_disk - seen.now
        return [warn(CHECK, f"data_dir lies on a disk whose clock is {skew:+.1f} s off", _SYNCHRONIZE + " on both")]
    if seen.synchronized is None:
        return [unknown(CHECK, "the kernel does not tell whether it is synchronized", _SYNCHRONIZE)]
    if not seen.synchronized:
        return [warn(CHECK, "nothing keeps it synchronized, as far as the kernel knows", _SYNCHRONIZE)]
    return [ok(CHECK, f"synchronized, off by {seen.error * 1000:.0f} ms at most")]


def _date(unix: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(unix))


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    data_dir = patient.configuration.node.data_dir
    synchronized, error = _kernel()
    on_disk = await asyncio.to_thread(_disk_time, data_dir)
    now = time.time()
    seen = Seen(now=now, on_disk=on_disk, last_change=patient.last_change, synchronized=synchronized, error=error)
    return judge(seen)


def _disk_time(folder: Path) -> float | None:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"now")
            file.flush()
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return None


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the kernel writes past what we read, into `rest`."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def _kernel() -> tuple[bool | None, float]:
    """Whether the clock is synchronized, and its largest error in seconds. Changes nothing: no mode is set."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):  # not Linux
        return None, 0.0
    if state < 0:
        return None, 0.0
    return not timex.status & STA_UNSYNC, timex.maxerror / 1e6
