"""Who else on this machine can read our mail, our keys and our secrets."""

import asyncio
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from percorso.operations.doctor.finding import Finding, fail, ok, unknown
from percorso.operations.doctor.patient import Patient

CHECK: Final = "file modes"
MAX_FILES: Final = 20_000  # looked at; a large spool need not be walked to its end
SHOWN: Final = 5


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder with its permissions. `key`: a private key, which may be outside of the data directory."""

    path: str
    mode: int  # as stat(2) gives it
    key: bool = False


def judge(folder: str, seen: Iterable[Seen]) -> list[Finding]:
    """What is open to others. A group may read a key (that is how distributions share them), and nothing else."""
    files = list(seen)
    exposed = [one for one in files if _exposed(one)]
    if not files:
        return [unknown(CHECK, f"{folder} does not exist yet", "the first `percorso serve` makes it")]
    if not exposed:
        return [ok(CHECK, f"{folder} and the keys are for their owner only")]
    names = ", ".join(f"{one.path} ({stat.S_IMODE(one.mode):04o})" for one in exposed[:SHOWN])
    more = f" and {len(exposed) - SHOWN} more" if len(exposed) > SHOWN else ""
    commands = [f"`chmod -R go= {folder}`"] if any(not one.key for one in exposed) else []
    commands += [f"`chmod 640 {one.path}`" for one in exposed if one.key]
    return [fail(CHECK, f"others can reach {names}{more}", " and ".join(commands))]


def _exposed(one: Seen) -> bool:
    if one.key:
        return bool(one.mode & (stat.S_IRWXO | stat.S_IWGRP))
    if stat.S_ISDIR(one.mode):
        return bool(one.mode & (stat.S_IWGRP | stat.S_IWOTH))
    return bool(one.mode & (stat.S_IRWXO | stat.S_IRWXG))


async def check(patient: Patient) -> list[Finding]:
    """Look and judge."""
    configuration = patient.configuration
    folder = configuration.node.data_dir
    keys = [key for key in (configuration.tls.key, configuration.console.key) if key]
    try:
        seen = await asyncio.to_thread(lambda: list(look(folder, keys)))
    except PermissionError as error:
        return [unknown(CHECK, f"{error.filename} cannot be reached", "run this as the owner of data_dir, or as root")]
    return judge(str(folder), seen)


def look(folder: Path, keys: Iterable[Path]) -> Iterator[Seen]:
    """Of the data directory all that others can get at, however they may use it; and the keys."""
    if folder.is_dir():
        yield from islice(_reachable(folder), MAX_FILES)
    for key in keys:
        if key.exists():
            yield Seen(path=str(key), mode=key.stat().st_mode, key=True)


def _reachable(path: Path) -> Iterator[Seen]:
    """The path and what is below it; nothing below a folder that others cannot enter."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return
    yield Seen(path=str(path), mode=mode)
    if stat.S_ISDIR(mode) and mode & (stat.S_IXGRP | stat.S_IXOTH):
        for below in sorted(path.iterdir()):
            yield from _reachable(below)
