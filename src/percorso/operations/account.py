"""Submission accounts: add, list, set a password, remove.

What an account may do is a setting, versioned and audited like all others; its password is kept apart, as a hash.
"""

import secrets
from typing import Final

import msgspec

from percorso.access.passwords import hash_password
from percorso.core.access.password import check_new
from percorso.core.settings.diff import changes
from percorso.core.settings.schema import Account, Document
from percorso.core.settings.validation import validate
from percorso.operations.actor import Actor
from percorso.operations.settings import Plan, apply
from percorso.ports.accounts import PasswordStore
from percorso.ports.audit import AuditEntry
from percorso.ports.settings import SettingsStore

GENERATED: Final = 18
"""Random octets of a generated password: 24 characters."""


class CannotChange(Exception):
    """The accounts cannot be changed so; the message says why and what to do."""


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is listed."""

    name: str
    unit: str
    addresses: tuple[str, ...]
    rate: str
    has_password: bool


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The stores that accounts are in, and who works on them."""

    settings: SettingsStore
    passwords: PasswordStore
    actor: Actor
    now: float  # unix seconds


def generate_password() -> str:
    """A password that nobody has to remember."""
    return secrets.token_urlsafe(GENERATED)


def add(desk: Desk, account: Account, password: str) -> int:
    """Add the account to the settings and set its password; returns the new version.

    Raises `CannotChange` or `BadPassword`, and then has changed nothing.
    """
    prepared = check_new(password)
    encoded = hash_password(prepared)
    base, document = _current(desk)
    if any(one.name == account.name for one in document.account):
        raise CannotChange(
            f"there is an account {account.name!r} already; see `percorso account list`, "
            f"or set its password with `percorso account password {account.name}`"
        )
    version = _apply(desk, base, document, (*document.account, account))
    desk.passwords.set(account.name, encoded, audit=_entry(desk, "account:password", account.name, account.unit))
    return version


def list_accounts(desk: Desk) -> list[AccountView]:
    """The accounts in force, by name."""
    with_password = desk.passwords.accounts()
    _, document = _current(desk)
    found = sorted(document.account, key=lambda account: account.name)
    return [
        AccountView(
            name=account.name,
            unit=account.unit,
            addresses=account.addresses,
            rate=account.rate,
            has_password=account.name in with_password,
        )
        for account in found
    ]


def set_password(desk: Desk, name: str, password: str) -> None:
    """Set an account's password; the old one is refused at once. Raises `CannotChange` or `BadPassword`."""
    encoded = hash_password(check_new(password))
    _, document = _current(desk)
    account = next((account for account in document.account if account.name == name), None)
    if account is None:
        raise CannotChange(f"there is no account {name!r}; see `percorso account list`")
    desk.passwords.set(name, encoded, audit=_entry(desk, "account:password", name, account.unit))


def remove(desk: Desk, name: str) -> int:
    """Remove the account and its password; returns the version without it. Raises `CannotChange`."""
    base, document = _current(desk)
    left = tuple(account for account in document.account if account.name != name)
    has_password = name in desk.passwords.accounts()
    if len(left) == len(document.account) and not has_password:
        raise CannotChange(f"there is no account {name!r}; see `percorso account list`")
    version = _apply(desk, base, document, left)
    if has_password:
        desk.passwords.remove(name, audit=_entry(desk, "account:password-removed", name))
    return version


def _current(desk: Desk) -> tuple[int, Document]:
    newest = desk.settings.newest().version
    return newest, desk.settings.document(newest)


def _apply(desk: Desk, base: int, old: Document, accounts: tuple[Account, ...]) -> int:
    """Make the next version with these accounts. Raises `SettingsConflict` where another change came between."""
    new = old.model_copy(update={"account": accounts})
    problems = validate(new)
    if problems:
        raise CannotChange("\n".join(str(problem) for problem in problems))
    plan = Plan(document=new, base=base, newest=base, changes=changes(old, new))
    return apply(desk.settings, plan, actor=desk.actor, now=desk.now)


def _entry(desk: Desk, event: str, name: str, unit: str = "/") -> AuditEntry:
    """An entry of the audit log, which tells that and never what."""
    return AuditEntry(
        at=desk.now, actor=desk.actor.name, source=desk.actor.source, event=event, unit=unit, subject=name
    )
