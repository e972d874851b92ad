"""Names in memory: a `Resolver` whose answers a test writes down."""

import asyncio
from collections import defaultdict

from percorso.ports.resolver import Answer, BogusAnswer, LookupFailed, RecordType

TTL = 300.0


class Names:
    """A name that has any record exists; every other is NXDOMAIN, unless a failure is set for it."""

    def __init__(self) -> None:
        self._records: dict[str, dict[RecordType, list[str]]] = defaultdict(dict)
        self._failures: dict[tuple[str, str], LookupFailed] = {}
        self.authenticated: set[str] = set()
        """Names whose answers are DNSSEC-validated."""
        self.asked: list[tuple[str, RecordType]] = []

    def set(self, name: str, record_type: RecordType, *records: str) -> None:
        """Replace a name's records of one type; none leaves the name without this type."""
        self._records[name][record_type] = list(records)

    def mx(self, domain: str, *servers: tuple[int, str]) -> None:
        self.set(domain, "MX", *(f"{preference} {server}." for preference, server in servers))

    def host(self, name: str, *addresses: str) -> None:
        self.set(name, "A", *(address for address in addresses if ":" not in address))
        self.set(name, "AAAA", *(address for address in addresses if ":" in address))

    def alias(self, name: str, to: str) -> None:
        self.set(name, "CNAME", f"{to}.")

    def fail(self, name: str, record_type: str = "*", *, bogus: bool = False) -> None:
        """From now on this look-up fails, or is proved bogus."""
        self._failures[name, record_type] = (BogusAnswer if bogus else LookupFailed)(f"{name}: SERVFAIL")

    def mend(self, name: str, record_type: str = "*") -> None:
        del self._failures[name, record_type]

    async def query(self, name: str, record_type: RecordType) -> Answer:
        await asyncio.sleep(0)
        name = name.lower().removesuffix(".")
        self.asked.append((name, record_type))
        secure = True
        for _ in range(10):
            if failure := self._failures.get((name, record_type)) or self._failures.get((name, "*")):
                raise failure
            secure = secure and name in self.authenticated
            held = self._records.get(name)
            alias = held.get("CNAME") if held and record_type != "CNAME" else None
            if not alias:
                break
            name = alias[0].removesuffix(".")
        else:
            raise LookupFailed(f"{name}: too many aliases")
        records = tuple(held.get(record_type, ())) if held else ()
        return Answer(name=name, records=records, exists=held is not None, authenticated=secure, ttl=TTL)
