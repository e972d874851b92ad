"""What alerts were told, as a small file: written beside its place, made durable, and moved there."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from percorso.core.alerts.course import Raised, State
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files

_DECODER: Final = msgspec.json.Decoder(tuple[Raised, ...])


class FileAlertMemory:
    """`AlertMemory` in a data directory."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._path = layout.alerts_file(data_dir)
        self._files = files

    def load(self) -> State:
        """Empty where there is none; one that cannot be read is worth less than an alert told twice."""
        with suppress(OSError, msgspec.DecodeError):
            return _DECODER.decode(self._path.read_bytes())
        return ()

    def save(self, state: State) -> None:
        """Keep it in place of the older one."""
        beside = self._path.with_name(f".{self._path.name}.new")
        try:
            self._files.remove(beside)
            descriptor = self._files.create(beside)
            try:
                self._files.write(descriptor, msgspec.json.encode(state))
                self._files.sync(descriptor)
            finally:
                os.close(descriptor)
            self._files.rename(beside, self._path)
            self._files.sync_directory(self._path.parent)
        except OSError as error:
            raise store_error(error, self._path) from None
