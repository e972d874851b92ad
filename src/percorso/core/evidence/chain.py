"""The hash chain: no record can be changed, removed or moved without breaking it.

1. hash_0 is SHA-256 of the chain's name; hash_n is SHA-256 of hash_(n-1) followed by record n.
2. A record is JSON, encoded once. It is kept, hashed and verified as those bytes and never encoded again.
3. The record of an attempt holds the SHA-256 of its encoded parties, which carry a salt: the parties can be
   erased, but not replaced.
4. A chain whose oldest records were cut off is followed from a checkpoint: a number, and the hash at it.
"""

import hashlib
from typing import Final

import msgspec

from percorso.core.evidence.record import Evidence, Parties

_ENCODER: Final = msgspec.json.Encoder()


class BrokenLink(ValueError):
    """A record does not follow from the one before it; the message says how."""


class _PartiesDigest(msgspec.Struct, frozen=True):
    """The one field of a record that `Walk` reads."""

    parties: str = ""


_DIGEST_DECODER: Final = msgspec.json.Decoder(_PartiesDigest)


def genesis(chain: str) -> bytes:
    """The hash before the first record of the chain of that name."""
    return hashlib.sha256(chain.encode()).digest()


def link(previous: bytes, record: bytes) -> bytes:
    """The hash at a record, from the hash before it."""
    return hashlib.sha256(previous + record).digest()


def encode(value: msgspec.Struct) -> bytes:
    """The bytes of a record as they are kept and hashed."""
    return _ENCODER.encode(value)


def seal(evidence: Evidence, parties: Parties) -> tuple[bytes, bytes]:
    """The encoded record, with the digest of its parties in it, and the encoded parties."""
    personal = encode(parties)
    digest = hashlib.sha256(personal).hexdigest()
    return encode(msgspec.structs.replace(evidence, parties=digest)), personal


class Walk:
    """Follows a chain record by record, from its beginning or from a checkpoint."""

    __slots__ = ("hash", "number")

    def __init__(self, number: int, digest: bytes) -> None:
        self.number = number
        """The last record passed; 0 before the first."""
        self.hash = digest
        """The hash at it."""

    def step(self, number: int, record: bytes, digest: bytes) -> None:
        """Pass the next record. Raises `BrokenLink`."""
        if number != self.number + 1:
            raise BrokenLink(f"record {self.number + 1} is missing: record {number} follows {self.number}")
        expected = link(self.hash, record)
        if digest != expected:
            raise BrokenLink(f"record {number} was changed: its hash is {expected.hex()}, not {digest.hex()}")
        self.number, self.hash = number, expected


def check_parties(number: int, record: bytes, parties: bytes | None) -> None:
    """Check that a record's parties are those that it was sealed with, or erased. Raises `BrokenLink`."""
    if parties is None:
        return
    if hashlib.sha256(parties).hexdigest() != _DIGEST_DECODER.decode(record).parties:
        raise BrokenLink(f"the parties of record {number} were changed")
