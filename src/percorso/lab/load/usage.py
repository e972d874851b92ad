"""What a server under load uses: CPU time and memory of a process and all its descendants (Linux, from /proc)."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


def available() -> bool:
    """Whether this system tells what a process uses."""
    return (_PROC / "self" / "smaps_rollup").exists()


def _fields(process: int) -> list[str]:
    """/proc/PID/stat behind the command name: [0] is the state, [1] the parent (proc(5))."""
    text = (_PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()


def _parents() -> Iterator[tuple[int, int]]:
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            yield int(entry.name), int(_fields(int(entry.name))[1])
        except OSError:
            continue  # it ended meanwhile


def family(root: int) -> list[int]:
    """The process and its living descendants."""
    children: dict[int, list[int]] = {}
    for process, parent in _parents():
        children.setdefault(parent, []).append(process)
    found = [root]
    for process in found:  # grows as it goes
        found += children.get(process, [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the family, with that of the children it has already reaped."""
    ticks = 0
    for process in family(root):
        try:
            ticks += sum(map(int, _fields(process)[11:15]))  # utime, stime, cutime, cstime
        except OSError:
            continue
    return ticks / _TICKS


def memory_bytes(root: int) -> int:
    """The family's proportional set size: pages that several processes share count once."""
    total = 0
    for process in family(root):
        try:
            lines = (_PROC / str(process) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total
