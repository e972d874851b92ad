"""Accounts: whether a password is right, how much of its rate is left, and where the passwords are kept.

No password is kept anywhere: what a `PasswordStore` holds is a hash that takes long to compute.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from percorso.core.settings.rate import Rate
from percorso.ports.audit import AuditEntry


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a client said of itself."""

    client: str  # its IP address
    account: str
    password: str

    def __repr__(self) -> str:
        """Without the password, for logs and tracebacks."""
        return f"Credentials(client={self.client!r}, account={self.account!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for those who print in colours."""
        return [("client", self.client), ("account", self.account)]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said to a client that authenticates."""

    right: bool = False
    wait: float = 0.0
    """Seconds after which it may try again; its password was not looked at. 0 where it was."""


class Authenticator(Protocol):
    """Judges credentials."""

    def check(self, credentials: Credentials, done: Callable[[Verdict], None]) -> None:
        """Judge them; `done` is called once, on the event loop, and maybe before this returns."""
        ...


class PasswordStore(Protocol):
    """The hashes of the accounts' passwords, as the access room encodes them."""

    def get(self, account: str) -> str:
        """The account's hash; "" where it has no password. Raises `StoreError`."""
        ...

    def set(self, account: str, encoded: str, *, audit: AuditEntry) -> None:
        """Keep a new one, and the audit entry in the same transaction."""
        ...

    def renew(self, account: str, old: str, new: str) -> None:
        """Replace a hash by another of the same password, unless a new password came between."""
        ...

    def remove(self, account: str, *, audit: AuditEntry) -> None:
        """Forget it; LookupError where there is none."""
        ...

    def accounts(self) -> frozenset[str]:
        """The accounts that have a password."""
        ...


class AccountRates(Protocol):
    """What each account has used of its rate, counted for all workers of the node together."""

    def take(self, account: str, rate: Rate, *, now: float) -> float:
        """Take one more: 0, or the seconds until there is one. `now` in unix seconds. Raises `StoreError`."""
        ...
