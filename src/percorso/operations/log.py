"""The delivery log: search, show, verify."""

import json
from typing import Final

from percorso.ports.audit import AuditEntry, AuditLog
from percorso.ports.evidence import ChainHead, EvidenceFilter, EvidenceLog, StoredEvidence

HEADS: Final = "evidence:head"
_MOST: Final = 10_000  # attempts of one message


def search(log: EvidenceLog, which: EvidenceFilter, *, limit: int) -> list[StoredEvidence]:
    """Attempts, the newest first."""
    return list(log.search(which, limit=limit))


def show(log: EvidenceLog, queue_id: str) -> list[StoredEvidence]:
    """Every attempt for one message, the oldest first."""
    return list(log.search(EvidenceFilter(queue_id=queue_id), limit=_MOST))[::-1]


def verify(log: EvidenceLog, audit: AuditLog, heads: tuple[ChainHead, ...] = ()) -> list[ChainHead]:
    """Check every chain, and that it passes through the given heads and the last ones that the audit log has.

    Raises `ChainBroken`, also where the audit log itself was tampered with.
    """
    audit.verify()
    return log.verify((*heads, *_audited_heads(audit)))


def record_heads(log: EvidenceLog, audit: AuditLog, *, now: float) -> bool:
    """Tell the audit log where every chain stands, unless nothing was added since; returns whether it was told."""
    heads = log.heads()
    if not any(head.count for head in heads) or set(heads) <= set(_audited_heads(audit)):
        return False
    told = json.dumps([str(head) for head in heads])
    audit.append(AuditEntry(at=now, actor="percorso", source="node", event=HEADS, new=told))
    return True


def _audited_heads(audit: AuditLog) -> list[ChainHead]:
    for record in audit.entries(event=HEADS, limit=1):
        return [parse_head(text) for text in json.loads(record.entry.new)]
    return []


def parse_head(text: str) -> ChainHead:
    """A head as `log verify` prints it, `CHAIN:COUNT:HASH`; ValueError for anything else."""
    chain, _, rest = text.rpartition(":")
    chain, _, count = chain.rpartition(":")
    if not chain or not count.isdecimal() or not rest:
        raise ValueError(
            f"{text[:80]!r} is no head of a chain; write it as `percorso log verify` does: CHAIN:COUNT:HASH"
        )
    return ChainHead(chain=chain, count=int(count), hash=rest)
