"""The operator's ports over plain lists: settings, audit log, queue desk and delivery log of one imaginary node."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from percorso.core.mail.address import Address
from percorso.core.settings.schema import Document
from percorso.operations.actor import Actor
from percorso.operations.stores import Stores
from percorso.ports.audit import AuditEntry, AuditRecord
from percorso.ports.backup import Backup, Progress
from percorso.ports.evidence import ChainBroken, ChainHead, EvidenceFilter, StoredEvidence
from percorso.ports.queue import QueueEntry, QueueFilter, Relaxation, State, Waiting
from percorso.ports.settings import SettingsConflict, SettingsVersion
from tests.proof.settings_in_memory import MemorySettings

ROOT = Actor(name="root (uid 0)", source="cli")


class MemoryAudit:
    """`AuditLog`."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.broken = False

    def append(self, entry: AuditEntry) -> None:
        number = len(self.records) + 1
        self.records.append(AuditRecord(number=number, entry=entry, hash=f"{number:064x}"))

    def entries(
        self, *, event: str = "", actor: str = "", since: float = 0.0, before: int = 0, limit: int = 100
    ) -> Iterator[AuditRecord]:
        found = [
            record
            for record in reversed(self.records)
            if (not event or record.entry.event == event)
            and (not actor or record.entry.actor == actor)
            and record.entry.at >= since
            and (not before or record.number < before)
        ]
        return iter(found[:limit])

    def verify(self) -> int:
        if self.broken:
            raise ChainBroken("audit log: record 1 was changed")
        return len(self.records)


class MemorySettingsStore:
    """`SettingsStore`."""

    def __init__(self, audit: MemoryAudit) -> None:
        self._audit = audit
        self._versions = [(SettingsVersion(version=0, at=0.0, actor=""), Document())]

    def newest(self) -> SettingsVersion:
        return self._versions[-1][0]

    def document(self, version: int) -> Document:
        if not 0 <= version < len(self._versions):
            raise LookupError(version)
        return self._versions[version][1]

    def history(self, *, limit: int = 100) -> list[SettingsVersion]:
        return [version for version, _ in reversed(self._versions)][:limit]

    def commit(
        self, document: Document, *, base: int, audit: Iterable[AuditEntry], at: float, comment: str = ""
    ) -> int:
        newest = self.newest().version
        if base != newest:
            raise SettingsConflict(base, newest)
        number = newest + 1
        entries = [msgspec.structs.replace(entry, version=number) for entry in audit]
        for entry in entries:
            self._audit.append(entry)
        version = SettingsVersion(version=number, at=at, actor=entries[0].actor, comment=comment)
        self._versions.append((version, document))
        return number


class MemoryDesk:
    """`QueueDesk`."""

    def __init__(self, *entries: QueueEntry) -> None:
        self.waiting = list(entries)
        self.retried: list[QueueFilter] = []
        self.keeping: list[Waiting] = []
        self.relaxed: list[Relaxation] = []

    def _matching(self, which: QueueFilter) -> list[QueueEntry]:
        return [
            entry
            for entry in self.waiting
            if which.id in {"", entry.id}
            and entry.recipient.endswith(which.recipient)
            and entry.sender.endswith(which.sender)
            and which.failure in {"", entry.last_failure}
            and which.state in {"", entry.state}
        ]

    def entries(self, which: QueueFilter, *, after: str = "", limit: int = 100) -> Iterator[QueueEntry]:
        found = [entry for entry in self._matching(which) if f"{entry.id}/{entry.number}" > after]
        return iter(found[:limit])

    def count(self, which: QueueFilter) -> int:
        return len(self._matching(which))

    def retry(self, which: QueueFilter, *, now: float) -> int:
        assert now
        self.retried.append(which)
        return sum(entry.state == "queued" for entry in self._matching(which))

    def _become(self, which: QueueFilter, before: State, after: State) -> int:
        found = [entry for entry in self._matching(which) if entry.state == before]
        self.waiting = [
            msgspec.structs.replace(entry, state=after) if entry in found else entry for entry in self.waiting
        ]
        return len(found)

    def hold(self, which: QueueFilter) -> int:
        return self._become(which, "queued", "held")

    def release(self, which: QueueFilter, *, now: float) -> int:
        assert now
        return self._become(which, "held", "queued")

    def required(self) -> Iterator[Waiting]:
        return iter(self.keeping)

    def relax(self, which: Sequence[Relaxation], *, now: float) -> int:
        assert now
        self.relaxed += which
        return len(which)

    def delete(self, which: QueueFilter) -> int:
        found = [entry for entry in self._matching(which) if entry.state != "claimed"]
        self.waiting = [entry for entry in self.waiting if entry not in found]
        return len(found)


class MemoryEvidence:
    """`EvidenceLog`."""

    def __init__(self, *records: StoredEvidence) -> None:
        self.records = list(records)  # the oldest first
        self.asked: list[EvidenceFilter] = []

    def search(self, which: EvidenceFilter, *, limit: int = 100) -> Iterator[StoredEvidence]:
        self.asked.append(which)
        found = [record for record in reversed(self.records) if which.queue_id in {"", record.evidence.queue_id}]
        return iter(found[:limit])

    def heads(self) -> list[ChainHead]:
        return [ChainHead(chain="mail1/0", count=len(self.records), hash="ab" * 32)]

    def verify(self, heads: tuple[ChainHead, ...] = ()) -> list[ChainHead]:
        for head in heads:
            if head.hash != "ab" * 32:
                raise ChainBroken(f"mail1/0 does not pass through {head}")
        return self.heads()


class MemoryPasswords:
    """`PasswordStore`."""

    def __init__(self, audit: MemoryAudit) -> None:
        self._audit = audit
        self.kept: dict[str, str] = {}

    def get(self, account: str) -> str:
        return self.kept.get(account, "")

    def set(self, account: str, encoded: str, *, audit: AuditEntry) -> None:
        self.kept[account] = encoded
        self._audit.append(audit)

    def renew(self, account: str, old: str, new: str) -> None:
        if self.kept.get(account) == old:
            self.kept[account] = new

    def remove(self, account: str, *, audit: AuditEntry) -> None:
        del self.kept[account]
        self._audit.append(audit)

    def accounts(self) -> frozenset[str]:
        return frozenset(self.kept)


class MemoryBackups:
    """`BackupStore` that takes notes."""

    made = Backup(at=5.0, settings_version=2, audit_entries=3, recipients=4, heads=[], octets=2048)

    def __init__(self) -> None:
        self.calls: list[tuple[str, Path, bool]] = []

    def make(self, target: Path, *, at: float, progress: Progress) -> Backup:
        self.calls.append(("make", target, False))
        return self.made

    def restore(self, source: Path, *, replace: bool, progress: Progress) -> Backup:
        self.calls.append(("restore", source, replace))
        return self.made


class MemoryCurator:
    """`EvidenceCurator` that takes notes."""

    def __init__(self) -> None:
        self.cuts: list[float] = []
        self.erased: list[str] = []
        self.checkpoints: list[ChainHead] = []

    def cut(self, before: float) -> list[ChainHead]:
        self.cuts.append(before)
        return self.checkpoints

    def erase(self, person: Address) -> int:
        self.erased.append(str(person))
        return 3


class MemorySecrets:
    """`SecretStore`."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, name: str) -> bytes:
        return self.kept[name]

    def set(self, name: str, value: bytes) -> None:
        self.kept[name] = value

    def remove(self, name: str) -> None:
        del self.kept[name]

    def names(self) -> list[str]:
        return sorted(self.kept)


class Node:
    """One node's stores."""

    def __init__(self, folder: Path) -> None:
        self.audit = MemoryAudit()
        self.settings = MemorySettingsStore(self.audit)
        self.desk = MemoryDesk()
        self.evidence = MemoryEvidence()
        self.curator = MemoryCurator()
        self.backups = MemoryBackups()
        self.passwords = MemoryPasswords(self.audit)
        self.secrets = MemorySecrets()
        self.stores = Stores(
            folder=folder,
            data_dir=folder,
            settings=lambda: self.settings,
            audit=lambda: self.audit,
            queue=lambda: self.desk,
            evidence=lambda: self.evidence,
            curator=lambda: self.curator,
            passwords=lambda: self.passwords,
            secrets=lambda: self.secrets,
            backups=lambda: self.backups,
            settings_at=self._settings_at,
        )

    def _settings_at(self, version: int | None) -> MemorySettings:
        return MemorySettings(self.settings.document(self.settings.newest().version if version is None else version))
