"""The delivery log over all shards of the node."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from pathlib import Path

import apsw

from percorso.ports.evidence import ChainHead, EvidenceFilter, StoredEvidence
from percorso.store.files import FILES, Files
from percorso.store.sqlite.chain_reader import ChainReader, missing_chains
from percorso.store.sqlite.evidence_search import EvidenceSearch
from percorso.store.sqlite.shard_reader import each_shard


class SqliteEvidenceLog:
    """`EvidenceLog` over the shards of a data directory; reads only, from any process, while workers write."""

    def __init__(self, data_dir: Path, *, files: Files = FILES) -> None:
        self._data_dir = data_dir
        self._files = files

    def search(self, which: EvidenceFilter, *, limit: int = 100) -> Iterator[StoredEvidence]:
        """The newest first. Raises `BadAddress` for a sender or recipient that is neither an address nor a domain."""
        with each_shard(self._data_dir, files=self._files) as shards:
            found = [self._search_one(shard, connection, which) for shard, connection in shards]
            yield from islice(merge(*found, key=lambda stored: -stored.evidence.at), limit)

    def heads(self) -> list[ChainHead]:
        """The head of every chain."""
        with each_shard(self._data_dir, files=self._files) as shards:
            return [ChainReader(connection).head() for _, connection in shards]

    def verify(self, heads: tuple[ChainHead, ...] = ()) -> list[ChainHead]:
        """Check every chain, and that it passes through the given heads; raises `ChainBroken`."""
        with each_shard(self._data_dir, files=self._files) as shards:
            chains = [ChainReader(connection) for _, connection in shards]
            missing_chains(chains, heads)
            return [chain.verify(heads) for chain in chains]

    def _search_one(self, shard: Path, connection: apsw.Connection, which: EvidenceFilter) -> Iterator[StoredEvidence]:
        with EvidenceSearch(shard, connection, self._files) as search:
            yield from search.find(which)
