"""The delivery log: search, show, verify."""

from percorso.ports.evidence import ChainHead, EvidenceFilter, EvidenceLog, StoredEvidence

_MOST = 10_000  # attempts of one message


def search(log: EvidenceLog, which: EvidenceFilter, *, limit: int) -> list[StoredEvidence]:
    """Attempts, the newest first."""
    return list(log.search(which, limit=limit))


def show(log: EvidenceLog, queue_id: str) -> list[StoredEvidence]:
    """Every attempt for one message, the oldest first."""
    return list(log.search(EvidenceFilter(queue_id=queue_id), limit=_MOST))[::-1]


def verify(log: EvidenceLog, heads: tuple[ChainHead, ...] = ()) -> list[ChainHead]:
    """Check every chain, and that it passes through the given heads; raises `ChainBroken`."""
    return log.verify(heads)


def parse_head(text: str) -> ChainHead:
    """A head as `log verify` prints it, `CHAIN:COUNT:HASH`; ValueError for anything else."""
    chain, _, rest = text.rpartition(":")
    chain, _, count = chain.rpartition(":")
    if not chain or not count.isdecimal() or not rest:
        raise ValueError(
            f"{text[:80]!r} is no head of a chain; write it as `percorso log verify` does: CHAIN:COUNT:HASH"
        )
    return ChainHead(chain=chain, count=int(count), hash=rest)
