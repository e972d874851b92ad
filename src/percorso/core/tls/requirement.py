"""What a delivery must prove before one byte of its envelope is sent.

Requirements add up: a `Requirement` is a conjunction, and `both` never gives less than either.
There is no total order, because "a CA-signed certificate" and "this pinned key" are different
proofs. Each setting that asks for a proof of identity is kept as a clause of its own, so that
one setting's pin or private CA can never stand in for what another setting asks.
"""

import enum
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

_REMEMBERED: Final = 4096
"""Requirements whose conjunctions and texts are kept: settings make few different ones, and every message asks."""


class TlsVersion(enum.IntEnum):
    """Protocol versions by their number on the wire (RFC 8446, 4.2.1)."""

    TLS_1_0 = 0x0301
    TLS_1_1 = 0x0302
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304

    def __str__(self) -> str:
        return f"1.{self.value - 0x0301}"

    @classmethod
    def parse(cls, text: str) -> "TlsVersion":
        """From "1.2", "TLSv1.2" and the like; ValueError for anything else."""
        number = text.removeprefix("TLSv")
        for version in cls:
            if str(version) == number or (number == "1" and version is cls.TLS_1_0):
                return version
        raise ValueError(f"{text!r} is not a TLS version; use 1.0, 1.1, 1.2 or 1.3")


class IdentityClause(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One setting's demand on who the peer is. Satisfied when all that it names holds.

    A matching pin, or a chain to the setting's own CA, satisfies `ca` and `host` of this clause.
    """

    ca: bool = False
    """The chain leads to a CA of the trust store."""
    host: bool = False
    """The certificate names the reference name, or one of `names` where they are given."""
    names: tuple[str, ...] = ()
    """Names that replace the reference name (`match`), sorted."""
    ca_file: str = ""
    """A CA bundle of the setting's own, in place of the trust store."""
    pins: tuple[str, ...] = ()
    """SHA-256 digests (hex) of public keys (SubjectPublicKeyInfo), one of which must be the leaf's."""
    dane_satisfies: bool = True
    """Whether a matching TLSA record satisfies `ca` and `host` (RFC 7672, 3.1)."""

    @property
    def empty(self) -> bool:
        """Whether the clause asks for nothing."""
        return not (self.ca or self.host or self.anchored)

    @property
    def anchored(self) -> bool:
        """Whether it says itself by which names, keys or CA the peer is known."""
        return bool(self.names or self.ca_file or self.pins)


class StsPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """An MTA-STS policy in force for a domain (RFC 8461, 3.2), with mode `enforce`."""

    id: str
    mx: tuple[str, ...]


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """A conjunction of demands on one delivery. The default is `opportunistic`: no demand."""

    encrypted: bool = False
    min_version: int = 0
    """Lowest TLS version, as `TlsVersion`; 0 is no floor."""
    identity: tuple[IdentityClause, ...] = ()
    """Sorted, without doubles."""
    requiretls: bool = False
    """The next hop must offer REQUIRETLS over authenticated TLS (RFC 8689, 4.2.1)."""
    sts: StsPolicy | None = None
    """The destination's own MTA-STS policy."""
    dane: bool = False
    """The destination publishes usable TLSA records for its MX hosts; the records come with the server."""

    @property
    def opportunistic(self) -> bool:
        """Whether plaintext will do."""
        return not self.encrypted

    def both(self, other: "Requirement") -> "Requirement":
        """The conjunction: at least what either asks."""
        return _both(self, other)

    def covers(self, other: "Requirement") -> bool:
        """Whether this asks at least all that `other` asks."""
        return self.both(other) == self

    def transferred(self) -> "Requirement":
        """What of it can be asked of a server that is not the recipient's own.

        Pins, `names` and private CAs tell how the recipient's servers are known, and MTA-STS and DANE are what the
        recipient's domain publishes: no other server can prove them. Encryption, TLS version and REQUIRETLS stay, and
        so does the wish for a CA-signed certificate and for one that bears the server's name.
        """
        return _transferred(self)

    def at_host(self, host: "Requirement") -> "Requirement":
        """The conjunction with the requirement of a configured host.

        A host that is known by a pin or CA of its own proves by it what is asked for in general, a CA-signed
        certificate or one that bears the server's name; a clause that names other keys, names or CAs is kept as it is.
        """
        return _at_host(self, host)

    def __str__(self) -> str:
        return _text(self)


OPPORTUNISTIC = Requirement()
ENCRYPTED = Requirement(encrypted=True)


def identity_clauses(clauses: Iterable[IdentityClause]) -> tuple[IdentityClause, ...]:
    """The clauses in the canonical form that makes equal requirements equal values."""
    return tuple(sorted({clause for clause in clauses if not clause.empty}))


@lru_cache(maxsize=_REMEMBERED)
def _both(one: Requirement, other: Requirement) -> Requirement:
    if other in (OPPORTUNISTIC, one):
        return one
    return Requirement(
        encrypted=one.encrypted or other.encrypted,
        min_version=max(one.min_version, other.min_version),
        identity=_joined(one.identity, other.identity),
        requiretls=one.requiretls or other.requiretls,
        sts=one.sts or other.sts,
        dane=one.dane or other.dane,
    )


@lru_cache(maxsize=_REMEMBERED)
def _transferred(requirement: Requirement) -> Requirement:
    clauses = identity_clauses(map(_transferred_clause, requirement.identity))
    return replace(requirement, identity=clauses, sts=None, dane=False)


@lru_cache(maxsize=_REMEMBERED)
def _at_host(requirement: Requirement, host: Requirement) -> Requirement:
    known = next((clause for clause in host.identity if clause.pins or clause.ca_file), None)
    if known is None:
        return requirement.both(host)
    ours = (
        clause if clause.anchored else replace(clause, names=known.names, ca_file=known.ca_file, pins=known.pins)
        for clause in requirement.identity
    )
    return replace(requirement, identity=identity_clauses(ours)).both(host)


@lru_cache(maxsize=_REMEMBERED)
def _text(requirement: Requirement) -> str:
    if requirement.opportunistic:
        return "opportunistic"
    parts = ["encrypted"]
    parts += [f"TLS {TlsVersion(requirement.min_version)} or later"] if requirement.min_version else []
    parts += [text for clause in requirement.identity for text in _clause_texts(clause)]
    parts += ["REQUIRETLS"] if requirement.requiretls else []
    parts += ["MTA-STS"] if requirement.sts else []
    parts += ["DANE"] if requirement.dane else []
    return ", ".join(dict.fromkeys(parts))


def _joined(one: tuple[IdentityClause, ...], other: tuple[IdentityClause, ...]) -> tuple[IdentityClause, ...]:
    if not one or not other or one == other:
        return one or other
    return identity_clauses((*one, *other))


def _transferred_clause(clause: IdentityClause) -> IdentityClause:
    """`names` ask for a name in the certificate, so at another server they become its own name."""
    return IdentityClause(ca=clause.ca, host=clause.host or bool(clause.names), dane_satisfies=clause.dane_satisfies)


def _clause_texts(clause: IdentityClause) -> list[str]:
    texts = []
    if clause.pins:
        texts.append("pinned key")
    if clause.ca_file:
        texts.append(f"CA of {clause.ca_file}")
    if clause.pins or clause.ca_file:
        return texts
    texts += ["CA-signed certificate"] if clause.ca else []
    if clause.names:
        texts.append(f"certificate for {' or '.join(clause.names)}")
    elif clause.host:
        texts.append("certificate for the host")
    return texts
