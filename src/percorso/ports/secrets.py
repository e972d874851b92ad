"""Secrets: passwords and keys that settings name and never hold. They belong to one node, and are never shown."""

import re
from typing import Final, Protocol

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BadSecretName(ValueError):
    """The text is no name of a secret."""


def check_secret_name(name: str) -> str:
    """The name; raises `BadSecretName`."""
    if not _NAME.fullmatch(name):
        raise BadSecretName(
            f"{name[:100]!r} is no name of a secret; use up to 100 letters, digits, dots, hyphens and underscores, "
            "a letter or digit first"
        )
    return name


class SecretStore(Protocol):
    """The secrets of this node."""

    def get(self, name: str) -> bytes:
        """The secret; LookupError where there is none of that name."""
        ...

    def set(self, name: str, value: bytes) -> None:
        """Keep it, durably, in place of an older one. Raises `BadSecretName` or `StoreError`."""
        ...

    def remove(self, name: str) -> None:
        """Forget it; LookupError where there is none of that name."""
        ...

    def names(self) -> list[str]:
        """The names, sorted."""
        ...
