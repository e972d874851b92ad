"""Follows the evidence chain of one shard from its first record, or its checkpoint, to its end."""

from typing import Final

import apsw

from percorso.core.evidence.chain import BrokenLink, Walk, check_parties
from percorso.ports.evidence import ChainBroken, ChainHead
from percorso.store.sqlite import index_sql, queue_sql
from percorso.store.sqlite.connection import rows

_AT_ONCE: Final = 1000
"""Records of one read: a long one would keep the worker's log from being used again."""


class ChainReader:
    """The chain of one shard."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.name, self._number, self._hash = rows(connection, index_sql.CHAIN)[0]

    def head(self) -> ChainHead:
        """The end of the chain, as it says itself."""
        number, digest = rows(self._connection, queue_sql.CHAIN_END)[0]
        return ChainHead(chain=self.name, count=number, hash=digest.hex())

    def verify(self, heads: tuple[ChainHead, ...]) -> ChainHead:
        """Follow every record, and pass through those of the given heads that are of this chain."""
        walk = Walk(self._number, self._hash)
        expected = {head.count: head.hash for head in heads if head.chain == self.name}
        self._pass(walk, expected)
        try:
            while found := rows(self._connection, index_sql.RECORDS_AFTER, (walk.number, _AT_ONCE)):
                for number, record, parties, digest in found:
                    walk.step(number, record, digest)
                    check_parties(number, record, parties)
                    self._pass(walk, expected)
        except BrokenLink as error:
            raise ChainBroken(f"chain {self.name} does not hold: {error}") from None
        for count in sorted(expected):
            if count < self._number:
                text = f"its records up to {self._number} were removed by retention; give a newer head"
            else:
                text = f"record {count} is missing: the chain ends at record {walk.number}"
            raise ChainBroken(f"chain {self.name} does not reach the given head {count}: {text}")
        return ChainHead(chain=self.name, count=walk.number, hash=walk.hash.hex())

    def _pass(self, walk: Walk, expected: dict[int, str]) -> None:
        wanted = expected.pop(walk.number, None)
        if wanted is not None and wanted.lower() != walk.hash.hex():
            text = f"at record {walk.number} its hash is {walk.hash.hex()}, and the given head says {wanted}"
            raise ChainBroken(f"chain {self.name} was replaced: {text}")


def missing_chains(chains: list[ChainReader], heads: tuple[ChainHead, ...]) -> None:
    """Raise `ChainBroken` for heads of chains that are not there."""
    names = {chain.name for chain in chains}
    for head in heads:
        if head.chain not in names:
            raise ChainBroken(f"chain {head.chain} is missing: the shard that held it is gone")
