"""Finds shards that nobody holds: of a worker that died, or from a time with more workers.

An adopted shard is delivered until it is empty, and then given up, so that a worker that starts later finds it free
and shards do not become more with every restart.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from percorso.ports.clock import Clock
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.files import Files
from percorso.store.sqlite.shard import Shard, take_shard

ADOPTION_SECONDS: Final = 5.0
"""How often to look. The first time is only after this, so that workers that start together each find their own."""

_log = logging.getLogger("percorso.store")


class Adoption:
    """Looks for abandoned shards now and then."""

    def __init__(
        self, data_dir: Path, *, node: str, clock: Clock, loop: asyncio.AbstractEventLoop, files: Files
    ) -> None:
        self._data_dir = data_dir
        self._node = node
        self._clock = clock
        self._loop = loop
        self._files = files
        self._held: set[int] = set()
        self._passed: dict[int, object] = {}  # shards found empty or unusable, with the look of their files then
        self._adopt: Callable[[Shard], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, own: int, adopt: Callable[[Shard], None]) -> None:
        """Begin to look; `adopt` takes what is found."""
        self._held.add(own)
        self._adopt = adopt
        self._timer = self._loop.call_later(ADOPTION_SECONDS, self._again)

    def stop(self) -> None:
        """Look no more."""
        if self._timer:
            self._timer.cancel()

    def look(self) -> None:
        """Adopt every shard that nobody holds, unless it is known to be empty or unusable."""
        for number in layout.shard_numbers(self._data_dir):
            if number in self._held or (number in self._passed and self._passed[number] == self._stamp(number)):
                continue
            try:
                shard = take_shard(self._data_dir, number, node=self._node, clock=self._clock, files=self._files)
            except StoreError as error:
                _log.error("shard %d cannot be adopted: %s", number, error)
                self._passed[number] = self._stamp(number)
                continue
            if shard and self._adopt:
                self._held.add(number)
                self._adopt(shard)

    def gave_up(self, number: int) -> None:
        """An adopted shard that was found empty is closed, and about to be free."""
        self._held.discard(number)
        self._passed[number] = self._stamp(number)

    def _again(self) -> None:
        self.look()
        self._timer = self._loop.call_later(ADOPTION_SECONDS, self._again)

    def _stamp(self, number: int) -> object:
        """What changes when somebody writes to the shard."""
        path = layout.queue_database(layout.shard_directory(self._data_dir, number))
        log = path.with_name(f"{path.name}-wal")
        try:
            state = path.stat()
            return (state.st_mtime_ns, state.st_size, log.exists() and log.stat().st_size)
        except OSError:
            return None
