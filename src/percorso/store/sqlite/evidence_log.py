"""The delivery log over all shards of the node."""

from collections.abc import Iterator
from pathlib import Path

from percorso.ports.evidence import ChainHead, EvidenceFilter, StoredEvidence


class SqliteEvidenceLog:
    """`EvidenceLog` over the shards of a data directory; reads only, from any process, while workers write."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def search(self, which: EvidenceFilter, *, limit: int = 100) -> Iterator[StoredEvidence]:
        """The newest first."""
        raise NotImplementedError

    def heads(self) -> list[ChainHead]:
        """The head of every chain."""
        raise NotImplementedError

    def verify(self, heads: tuple[ChainHead, ...] = ()) -> list[ChainHead]:
        """Check every chain, and that it passes through the given heads; raises `ChainBroken`."""
        raise NotImplementedError
