"""Secrets as files, each for the owner only: `secrets/NAME` in the data directory.

A file is written beside its place, made durable, and moved there, so that a reader sees the old secret or the new one.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from percorso.ports.secrets import BadSecretName, check_secret_name
from percorso.store import layout
from percorso.store.errors import store_error
from percorso.store.files import FILES, Files

_BESIDE: Final = ".new"  # no name of a secret begins with a dot


class FileSecrets:
    """`SecretStore` in a data directory, from any process."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._folder = layout.secrets_directory(data_dir)
        self._files = files

    def get(self, name: str) -> bytes:
        """The secret; LookupError where there is none of that name."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise _missing(name) from None
        except OSError as error:
            raise store_error(error, self._folder) from None

    def set(self, name: str, value: bytes) -> None:
        """Keep it, durably, in place of an older one. Raises `BadSecretName` or `StoreError`."""
        path = self._folder / check_secret_name(name)
        beside = self._folder / f"{_BESIDE}-{secrets.token_hex(4)}-{name}"
        try:
            self._files.make_directory(self._folder)
            self._write(beside, value)
            self._files.rename(beside, path)
            self._files.sync_directory(self._folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._files.remove(beside)
            raise store_error(error, path) from None

    def remove(self, name: str) -> None:
        """Forget it; LookupError where there is none of that name."""
        path = self._path(name)
        if not path.exists():
            raise _missing(name)
        try:
            self._files.remove(path)
            self._files.sync_directory(self._folder)
        except OSError as error:
            raise store_error(error, path) from None

    def names(self) -> list[str]:
        """The names, sorted."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))

    def _path(self, name: str) -> Path:
        try:
            return self._folder / check_secret_name(name)
        except BadSecretName:
            raise _missing(name) from None

    def _write(self, path: Path, value: bytes) -> None:
        descriptor = self._files.create(path)
        try:
            self._files.write(descriptor, value)
            self._files.sync(descriptor)
        finally:
            os.close(descriptor)


def _missing(name: str) -> LookupError:
    return LookupError(f"there is no secret {name!r} on this node; `percorso secret set {name}` makes it")
