"""Where the node stands: what its queue and its evidence hold."""

from percorso.metrics.exposition import Standing
from percorso.ports.evidence import EvidenceLog
from percorso.ports.queue import QueueDesk, QueueFilter

_STATES = ("queued", "claimed", "held")


def standing(desk: QueueDesk, log: EvidenceLog, *, workers: int, now: float) -> Standing:
    """Counted now; it takes some milliseconds for each 100,000 recipients in the queue."""
    first = next(iter(desk.entries(QueueFilter(), limit=1)), None)
    return Standing(
        workers=workers,
        queue={state: desk.count(QueueFilter(state=state)) for state in _STATES},
        oldest=max(0.0, now - first.accepted_at) if first else 0.0,
        evidence={head.chain: head.count for head in log.heads()},
    )
