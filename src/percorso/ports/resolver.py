"""DNS as the look-ups see it."""

from typing import Literal, Protocol

import msgspec

RecordType = Literal["MX", "A", "AAAA", "CNAME", "TLSA", "TXT", "PTR"]


class LookupFailed(Exception):
    """SERVFAIL, a time-out or nonsense: nothing is known. Never the same as "there is none"."""


class BogusAnswer(LookupFailed):
    """The validating resolver proved the answer bogus (RFC 4035, 4.3)."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A completed look-up. No records and `exists`: the name has none of this type (NODATA)."""

    name: str
    """The name asked, after any CNAMEs."""
    records: tuple[str, ...]
    """RDATA in presentation format, such as "10 mx1.bank.test." """
    exists: bool = True  # False: NXDOMAIN
    authenticated: bool = False  # validated by a resolver that we trust (RFC 4035, 3.2.3)
    ttl: float = 0.0  # seconds


class Resolver(Protocol):
    """Answers questions, caching by TTL."""

    async def query(self, name: str, record_type: RecordType) -> Answer:
        """Raises `LookupFailed`."""
        ...
