"""The stores of one node, each opened when a verb needs it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from percorso.ports.accounts import PasswordStore
from percorso.ports.audit import AuditLog
from percorso.ports.backup import BackupStore
from percorso.ports.evidence import EvidenceCurator, EvidenceLog
from percorso.ports.queue import QueueDesk
from percorso.ports.secrets import SecretStore
from percorso.ports.settings import SettingsSource, SettingsStore


@dataclass(frozen=True, kw_only=True)
class Stores:
    """How to open each store of the node whose store is in `folder`, mostly the `data_dir` itself."""

    folder: Path
    data_dir: Path
    settings: Callable[[], SettingsStore]
    audit: Callable[[], AuditLog]
    queue: Callable[[], QueueDesk]
    evidence: Callable[[], EvidenceLog]
    curator: Callable[[], EvidenceCurator]
    passwords: Callable[[], PasswordStore]
    secrets: Callable[[], SecretStore]
    backups: Callable[[], BackupStore]
    settings_at: Callable[[int | None], SettingsSource]
    """The compiled settings of a version, or of the newest (None)."""
