"""The settings in force, as a running worker follows them."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from percorso.core.policy.facts import ListMatch
from percorso.core.policy.settings import Settings


class SqliteSettingsSource:
    """`SettingsSource` over a data directory.

    For the event loop's thread only. Open it after any fork. `current` holds from construction on; `watch` takes up
    changes every 0.25 s, `poll` at once. `version` pins an older version (for explaining the past).
    """

    def __init__(self, data_dir: Path, *, version: int | None = None) -> None:
        self._data_dir = data_dir
        self._version = version

    @property
    def current(self) -> Settings:
        """The compiled settings of the newest version."""
        raise NotImplementedError

    def matching_lists(self, keys: Sequence[str]) -> tuple[ListMatch, ...]:
        """The current settings' lists that hold one of the keys (`match_keys`), the first key that does."""
        raise NotImplementedError

    def watch(self, loop: asyncio.AbstractEventLoop, changed: Callable[[Settings], None] | None = None) -> None:
        """Look for changes every 0.25 s until `close`; `changed` hears of each."""
        raise NotImplementedError

    def poll(self) -> bool:
        """Take up a change that another connection made; returns whether there was one."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop watching and close the connection."""
        raise NotImplementedError
