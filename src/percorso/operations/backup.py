"""Backups of the node, made while it runs, restored while it does not. Both are audited."""

import json
from pathlib import Path

from percorso.operations.actor import Actor
from percorso.operations.stores import Stores
from percorso.ports.audit import AuditEntry
from percorso.ports.backup import Backup, Progress
from percorso.processes.instance import only_instance


def back_up(stores: Stores, target: Path, *, actor: Actor, now: float, progress: Progress) -> Backup:
    """Write a verified backup into a new or empty directory. Raises `BadBackup` and `StoreError`."""
    backup = stores.backups().make(target, at=now, progress=progress)
    stores.audit().append(_entry("store:backup", target, backup, actor=actor, now=now))
    return backup


def restore(stores: Stores, source: Path, *, replace: bool, actor: Actor, now: float, progress: Progress) -> Backup:
    """Put a backup in the place of the data. Raises `AlreadyRunning`, `BadBackup` and `StoreError`."""
    with only_instance(stores.data_dir):
        backup = stores.backups().restore(source, replace=replace, progress=progress)
        stores.audit().append(_entry("store:restore", source, backup, actor=actor, now=now))
    return backup


def _entry(event: str, place: Path, backup: Backup, *, actor: Actor, now: float) -> AuditEntry:
    told = {"directory": str(place), "made": round(backup.at), "heads": [str(head) for head in backup.heads]}
    return AuditEntry(at=now, actor=actor.name, source=actor.source, event=event, new=json.dumps(told))
