"""What operators do to the evidence: retention and erasure, both audited."""

import hashlib
import json

from percorso.core.mail.address import Address, comparison_key
from percorso.operations.actor import Actor
from percorso.ports.audit import AuditEntry, AuditLog
from percorso.ports.evidence import ChainHead, EvidenceCurator

NODE = Actor(name="percorso", source="node")


def retain(curator: EvidenceCurator, audit: AuditLog, *, seconds: float, now: float) -> list[ChainHead]:
    """Remove evidence older than `seconds` from the front of the chains; returns their new checkpoints."""
    checkpoints = curator.cut(now - seconds)
    if checkpoints:
        told = {"before": round(now - seconds), "checkpoints": [str(one) for one in checkpoints]}
        audit.append(_entry("evidence:retain", told, actor=NODE, now=now))
    return checkpoints


def erase(curator: EvidenceCurator, audit: AuditLog, person: Address, *, salt: str, actor: Actor, now: float) -> int:
    """Remove who wrote to whom from a person's records; returns how many there were.

    It is audited before it is done, without the address: the audit log has the SHA-256 of `salt` and the address,
    enough to show later that it was this one, and of no use to find out which it was for who does not know it.
    """
    digest = hashlib.sha256(f"{salt} {comparison_key(person)}".encode()).hexdigest()
    audit.append(_entry("evidence:erase", {"salt": salt, "digest": digest}, actor=actor, now=now))
    return curator.erase(person)


def _entry(event: str, told: dict[str, object], *, actor: Actor, now: float) -> AuditEntry:
    return AuditEntry(at=now, actor=actor.name, source=actor.source, event=event, new=json.dumps(told))
