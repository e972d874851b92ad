"""Settings: plan, apply, export, history, roll back. Every change is audited in the transaction that makes it."""

from collections.abc import Iterable

import msgspec

from percorso.core.settings.diff import Change, changes
from percorso.core.settings.schema import Document
from percorso.core.settings.toml import render
from percorso.core.settings.validation import validate
from percorso.operations.actor import Actor
from percorso.operations.settings_file import Draft
from percorso.ports.audit import AuditEntry
from percorso.ports.settings import SettingsConflict, SettingsStore, SettingsVersion


class UnknownVersion(LookupError):
    """There is no such version of the settings."""

    def __init__(self, version: int) -> None:
        super().__init__(f"there is no version {version} of the settings; see `percorso settings history`")


class NoLongerValid(ValueError):
    """An old version that would be refused today; the message has the reasons."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a document would change."""

    document: Document
    base: int
    """The version that the document is made from: what it says, else the one in force."""
    newest: int
    """The version in force, which `changes` are told against."""
    changes: tuple[Change, ...]
    comment: str = ""

    @property
    def conflict(self) -> bool:
        """Whether another change came between."""
        return self.base != self.newest


def plan(store: SettingsStore, draft: Draft) -> Plan:
    """Compare a document with the settings in force."""
    newest = store.newest().version
    base = newest if draft.base is None else draft.base
    found = changes(store.document(newest), draft.document)
    return Plan(document=draft.document, base=base, newest=newest, changes=found)


def with_comment(agreed: Plan, comment: str) -> Plan:
    """The plan with a comment for the history."""
    return msgspec.structs.replace(agreed, comment=comment)


def apply(store: SettingsStore, agreed: Plan, *, actor: Actor, now: float) -> int:
    """Make the planned document the next version; returns its number. Nothing to change makes no version.

    Raises `SettingsConflict` where the document is not based on the version in force.
    """
    if agreed.conflict:
        raise SettingsConflict(agreed.base, agreed.newest)
    if not agreed.changes:
        return agreed.newest
    entries = audit_entries(agreed.changes, actor=actor, now=now)
    return store.commit(agreed.document, base=agreed.newest, audit=entries, at=now, comment=agreed.comment)


def plan_rollback(store: SettingsStore, version: int) -> Plan:
    """What going back to an old version would change. Raises `UnknownVersion` or `NoLongerValid`."""
    newest = store.newest().version
    old = document(store, version)
    problems = validate(old)
    if problems:
        reasons = "\n".join(str(problem) for problem in problems)
        raise NoLongerValid(f"version {version} would be refused today; export it, mend it and apply it:\n{reasons}")
    found = changes(store.document(newest), old)
    return Plan(document=old, base=newest, newest=newest, changes=found, comment=f"back to version {version}")


def export(store: SettingsStore, version: int | None = None) -> str:
    """A version as TOML, the one in force unless told; it begins with `base`. Raises `UnknownVersion`.

    An older version is based on the one in force too: it was chosen in the knowledge of it.
    """
    return render(document(store, version), base=store.newest().version)


def document(store: SettingsStore, version: int | None = None) -> Document:
    """A version's document, that in force unless told. Raises `UnknownVersion`."""
    wanted = store.newest().version if version is None else version
    try:
        return store.document(wanted)
    except LookupError:
        raise UnknownVersion(wanted) from None


def history(store: SettingsStore, *, limit: int) -> list[SettingsVersion]:
    """The versions, the newest first."""
    return store.history(limit=limit)


def audit_entries(found: Iterable[Change], *, actor: Actor, now: float) -> list[AuditEntry]:
    """One entry for each table that changes."""
    return [
        AuditEntry(
            at=now,
            actor=actor.name,
            source=actor.source,
            event=change.event,
            unit=change.unit,
            subject=change.name,
            old=change.old_json,
            new=change.new_json,
        )
        for change in found
    ]
