"""The delivery log: evidence as it is searched, shown and verified."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from percorso.core.evidence.record import Evidence, Parties
from percorso.core.mail.address import Address


class ChainBroken(Exception):
    """A hash chain does not hold; the message names the chain and the first bad record."""


class ChainHead(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The end of one chain: whoever keeps it elsewhere can prove that nothing was changed before it."""

    chain: str  # the shard, such as "mail1/0"
    count: int
    hash: str  # hex

    def __str__(self) -> str:
        return f"{self.chain}:{self.count}:{self.hash}"


class StoredEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """A record with its place. `parties` is None where it was erased."""

    chain: str
    number: int  # from 1
    evidence: Evidence
    parties: Parties | None
    hash: str


class EvidenceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records; empty fields match everything."""

    queue_id: str = ""
    sender: str = ""  # an address or a domain
    recipient: str = ""  # an address or a domain
    status: str = ""
    failure: str = ""
    host: str = ""  # the alternate or other configured host
    secure: bool | None = None
    since: float = 0.0
    until: float = 0.0


class EvidenceCurator(Protocol):
    """What may be done to evidence that is there; the chains hold afterwards. Raises `StoreError`."""

    def cut(self, before: float) -> list[ChainHead]:
        """Remove the records from the front of each chain up to the first that is not older (unix seconds).

        Returns the checkpoint of each chain that lost some: number and hash of the last record removed.
        """
        ...

    def erase(self, person: Address) -> int:
        """Remove who wrote to whom from every record of this person, whatever the tag; returns how many.

        The records stay, without names. The queue is not touched.
        """
        ...


class EvidenceLog(Protocol):
    """All chains of the node, from any process."""

    def search(self, which: EvidenceFilter, *, limit: int = 100) -> Iterator[StoredEvidence]:
        """The newest first."""
        ...

    def heads(self) -> list[ChainHead]:
        """The head of every chain."""
        ...

    def verify(self, heads: tuple[ChainHead, ...] = ()) -> list[ChainHead]:
        """Check every chain, and that it passes through the given heads; raises `ChainBroken`."""
        ...
