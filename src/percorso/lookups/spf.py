"""Whether a domain's SPF record lets an address send for it (RFC 7208), for examinations of our own node.

Evaluated are `all`, `ip4`, `ip6`, `a`, `mx`, `include` and `redirect`; a record whose outcome hangs on `exists`, `ptr`
or a macro is `CANNOT_TELL`, since those depend on the message. Look-ups are limited as in RFC 7208, 4.6.4.
"""

import enum
import ipaddress
import re
from typing import Final

import msgspec

from percorso.ports.resolver import RecordType, Resolver

MAX_LOOKUPS: Final = 10  # RFC 7208, 4.6.4
MAX_EXCHANGES: Final = 10  # RFC 7208, 4.6.4: of one `mx`

_TERM: Final = re.compile(r"([+?~-]?)([a-z0-9]+)(?::([^/]*))?(?:/(\d{1,3}))?(?://(\d{1,3}))?", re.IGNORECASE)
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Spf(enum.StrEnum):
    """Results by RFC 7208, 2.6, and one of our own."""

    PASS = "pass"  # noqa: S105 (a result, no password)
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"
    CANNOT_TELL = "cannot-tell"
    """It depends on the message, or on what is not evaluated here."""


_QUALIFIERS: Final = {"": Spf.PASS, "+": Spf.PASS, "-": Spf.FAIL, "~": Spf.SOFTFAIL, "?": Spf.NEUTRAL}


class SpfAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The result, with the record of the domain itself and the term that decided."""

    result: Spf
    record: str = ""
    why: str = ""


class _Stop(Exception):
    """The evaluation ends here (RFC 7208, 4.6)."""

    def __init__(self, result: Spf, why: str) -> None:
        super().__init__(why)
        self.result = result
        self.why = why


async def check_spf(resolver: Resolver, domain: str, address: str) -> SpfAnswer:
    """Evaluate `domain`'s record for mail from `address`. Raises `LookupFailed`: nothing is known then."""
    evaluation = _Evaluation(resolver, ipaddress.ip_address(address))
    try:
        record = await evaluation.record(domain)
        if not record:
            return SpfAnswer(result=Spf.NONE, why="there is no record")
        result, why = await evaluation.evaluate(record, domain)
    except _Stop as stop:
        return SpfAnswer(result=stop.result, record=evaluation.first, why=stop.why)
    return SpfAnswer(result=result, record=record, why=why)


class _Evaluation:
    """One evaluation with its count of look-ups."""

    def __init__(self, resolver: Resolver, address: Address) -> None:
        self._resolver = resolver
        self._address = address
        self._lookups = 0
        self.first = ""  # the record that it began with

    async def record(self, domain: str) -> str:
        """The domain's SPF record, "" for none (RFC 7208, 4.5)."""
        answer = await self._resolver.query(domain, "TXT")
        texts = ["".join(_STRING.findall(text)) if '"' in text else text for text in answer.records]
        records = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
        if len(records) > 1:
            raise _Stop(Spf.PERMERROR, f"{domain} has {len(records)} SPF records instead of one")
        self.first = self.first or "".join(records)
        return "".join(records)

    async def evaluate(self, record: str, domain: str) -> tuple[Spf, str]:
        """The result and the term that gave it (RFC 7208, 4.6)."""
        redirect = ""
        for term in record.split()[1:]:
            name, equals, value = term.partition("=")
            if equals and ":" not in name:
                redirect = value if name.lower() == "redirect" else redirect
                continue
            parts = _TERM.fullmatch(term)
            if not parts:
                raise _Stop(Spf.PERMERROR, f"{domain}: `{term}` is no SPF term")
            if await self._matches(parts, term, domain):
                return _QUALIFIERS[parts[1]], f"`{term}` of {domain}"
        if redirect:
            target = self._counted(redirect)
            found = await self.record(target)
            if not found:
                raise _Stop(Spf.PERMERROR, f"`redirect={redirect}` leads to no record")
            return await self.evaluate(found, target)
        return Spf.NEUTRAL, f"no term of {domain} matches"

    async def _matches(self, parts: re.Match[str], term: str, domain: str) -> bool:
        mechanism, value = parts[2].lower(), parts[3] or ""
        match mechanism:
            case "all":
                return True
            case "ip4" | "ip6":
                return self._in_network(term, domain)
            case "a" | "mx":
                target = self._counted(value or domain)
                names = await self._exchanges(target) if mechanism == "mx" else [target]
                return any([await self._is_at(name, parts) for name in names])
            case "include":
                return await self._included(self._counted(value))
            case "exists" | "ptr":
                raise _Stop(Spf.CANNOT_TELL, f"`{term}` of {domain} depends on more than the address")
            case _:
                raise _Stop(Spf.PERMERROR, f"{domain}: `{term}` is no SPF term")

    async def _included(self, domain: str) -> bool:
        record = await self.record(domain)
        if not record:
            raise _Stop(Spf.PERMERROR, f"`include:{domain}` leads to no record")  # RFC 7208, 5.2
        result, _ = await self.evaluate(record, domain)
        return result is Spf.PASS

    def _in_network(self, term: str, domain: str) -> bool:
        text = term.partition(":")[2]
        try:
            return self._address in ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise _Stop(Spf.PERMERROR, f"{domain}: `{term}` holds no network") from None

    async def _is_at(self, name: str, parts: re.Match[str]) -> bool:
        kind: RecordType = "A" if self._address.version == 4 else "AAAA"
        length = (parts[4] or "32") if self._address.version == 4 else (parts[5] or "128")
        answer = await self._resolver.query(name, kind)
        return any(
            self._address in ipaddress.ip_network(f"{record}/{length}", strict=False) for record in answer.records
        )

    async def _exchanges(self, domain: str) -> list[str]:
        answer = await self._resolver.query(domain, "MX")
        names = [record.partition(" ")[2].rstrip(".") for record in answer.records[:MAX_EXCHANGES]]
        return [name for name in names if name]

    def _counted(self, domain: str) -> str:
        self._lookups += 1
        if self._lookups > MAX_LOOKUPS:
            raise _Stop(Spf.PERMERROR, f"more than {MAX_LOOKUPS} look-ups are needed, which receivers refuse")
        if "%" in domain or not domain:
            raise _Stop(Spf.CANNOT_TELL, f"`{domain}` depends on the message")
        return domain
