"""The settings in force, as a running worker follows them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import apsw

from percorso.core.policy.compile import compile_settings
from percorso.core.policy.facts import ListMatch
from percorso.core.policy.settings import Settings
from percorso.store.files import FILES, Files
from percorso.store.sqlite import settings_sql
from percorso.store.sqlite.connection import rows
from percorso.store.sqlite.settings_database import list_ids, newest_version, open_settings, read_outline

POLL_SECONDS: Final = 0.25
PAUSE_AFTER_ERROR: Final = 10.0
CACHED_ANSWERS: Final = 16_384
"""Recent list look-ups kept; cleared when the settings change."""

_log = logging.getLogger("percorso.store")


class SqliteSettingsSource:
    """`SettingsSource` over a data directory.

    For the event loop's thread only. Open it after any fork. `current` holds from construction on; `watch` takes up
    changes every 0.25 s, `poll` at once. `version` pins an older version (for explaining the past); LookupError where
    there is none of that number.
    """

    def __init__(self, data_dir: Path, *, version: int | None = None, files: Files = FILES) -> None:
        self._connection = open_settings(data_dir, files=files)
        self._pinned = version
        self._timer: asyncio.TimerHandle | None = None
        self._data_version = self._connection.pragma("data_version")
        self._load(newest_version(self._connection) if version is None else version)

    @property
    def current(self) -> Settings:
        """The compiled settings of the newest version."""
        return self._current

    def matching_lists(self, keys: Sequence[str]) -> tuple[ListMatch, ...]:
        """The current settings' lists that hold one of the keys (`match_keys`), the first key that does."""
        return self._cached(tuple(keys)) if self._names else ()

    def watch(self, loop: asyncio.AbstractEventLoop, changed: Callable[[Settings], None] | None = None) -> None:
        """Look for changes every 0.25 s until `close`; `changed` hears of each."""

        def look() -> None:
            pause = POLL_SECONDS
            try:
                if self.poll() and changed:
                    changed(self._current)
            except (apsw.Error, LookupError, ValueError):
                _log.exception("new settings cannot be taken up; version %d stays in force", self._current.version)
                pause = PAUSE_AFTER_ERROR
            self._timer = loop.call_later(pause, look)

        self._timer = loop.call_later(POLL_SECONDS, look)

    def poll(self) -> bool:
        """Take up a change that another connection made; returns whether there was one."""
        if self._pinned is not None:
            return False
        data_version = self._connection.pragma("data_version")
        if data_version == self._data_version:
            return False
        newest = newest_version(self._connection)
        changed = newest != self._current.version
        if changed:
            self._load(newest)
        self._data_version = data_version
        return changed

    def close(self) -> None:
        """Stop watching and close the connection."""
        if self._timer:
            self._timer.cancel()
        self._connection.close()

    def _load(self, version: int) -> None:
        outline = read_outline(self._connection, version)
        current = compile_settings(outline, version)
        ids = list_ids(self._connection)
        self._names = {ids[one.name]: one.name for one in outline.address_list}
        self._cached = lru_cache(CACHED_ANSWERS)(self._look_up)
        self._current = current

    def _look_up(self, keys: tuple[str, ...]) -> tuple[ListMatch, ...]:
        version = self._current.version
        found = rows(self._connection, settings_sql.lists_with(len(keys)), (*keys, version, version))
        first: dict[int, str] = {}
        for list_id, key in sorted(found, key=lambda row: keys.index(row[1])):
            first.setdefault(list_id, key)
        return tuple(ListMatch(name=self._names[list_id], entry=key) for list_id, key in sorted(first.items()))
