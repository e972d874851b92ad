"""Mail addresses and domains, in the one form in which everything compares them.

1. A domain is lower-case A-labels without a trailing dot (RFC 5890, 2.3.2.1).
2. A local part is kept unquoted and as it was written; it compares case-folded, in Unicode's form NFC.
3. Source routes are stripped; `%` and `!` routing and address literals are refused
   (RFC 5321, appendix C; RFC 5321, 4.1.3), because each can make one mailbox look like another.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import idna
import msgspec

MAX_LOCAL: Final = 64  # octets, RFC 5321, 4.5.3.1.1
MAX_DOMAIN: Final = 255  # octets, RFC 5321, 4.5.3.1.2
MAX_PATH: Final = 256  # octets with the angle brackets, RFC 5321, 4.5.3.1.3

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?|_[a-z0-9_-]{0,62}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*)"')


class BadAddress(ValueError):
    """The text is not an address that Percorso takes; the message says why."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One mailbox: its local part (unquoted, as written) and its domain (A-labels)."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{quote_local(self.local)}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the local part cannot travel without SMTPUTF8 (RFC 6531, 3.3)."""
        return not self.local.isascii()


@lru_cache(maxsize=8192)
def quote_local(local: str) -> str:
    """The local part as it is written in a path: quoted only where it must be (RFC 5321, 4.1.2)."""
    if _DOT_STRING.fullmatch(local):
        return local
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=65536)
def parse_domain(text: str) -> str:
    """The domain in lower-case A-labels without a trailing dot; raises `BadAddress`."""
    name = text.removesuffix(".").lower()
    if name.startswith("["):
        raise BadAddress(f"address literals are not accepted: {text[:80]!r}; use a domain name")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise BadAddress(f"{text[:80]!r} is not an internationalized domain name: {str(error)[:120]}") from None
    if not name or len(name) > MAX_DOMAIN:
        raise BadAddress(f"a domain has 1 to {MAX_DOMAIN} octets: {text[:80]!r}")
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise BadAddress(f"{text[:80]!r} is not a domain name")
    return name


def parse_address(text: str) -> Address:
    """One `local@domain` without angle brackets; raises `BadAddress`."""
    local_text, at, domain = text.rpartition("@")
    if not at:
        raise BadAddress(f"{text[:80]!r} has no @domain")
    return Address(local=_parse_local(local_text), domain=parse_domain(domain))


@lru_cache(maxsize=8192)
def parse_path(text: str) -> Address | None:
    """The content of `<…>` in MAIL or RCPT; None is the null sender. Raises `BadAddress`."""
    if not text:
        return None
    if text.startswith("@"):  # an obsolete source route: "@a,@b:user@domain"
        route, colon, text = text.partition(":")
        if not colon or not all(hop.startswith("@") for hop in route.split(",")):
            raise BadAddress(f"{route[:80]!r} is not a source route")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_PATH - 2:
        raise BadAddress(f"a path has at most {MAX_PATH} octets")
    return parse_address(text)


def parse_recipient(text: str) -> Address | None:
    """As `parse_path`, for RCPT: also `Postmaster`, which alone needs no domain (RFC 5321, 4.1.1.3) and gets none."""
    if text.lower() == "postmaster":
        return Address(local=text, domain="")
    return parse_path(text)


def _parse_local(text: str) -> str:
    if quoted := _QUOTED.fullmatch(text):
        local = re.sub(r"\\(.)", r"\1", quoted.group(1))
    elif _DOT_STRING.fullmatch(text):
        local = text
    else:
        raise BadAddress(f"{text[:80]!r} is not a local part; quote it if it has special characters")
    if not local.isprintable():  # what does not show makes two mailboxes look like one; a lone surrogate is no text
        raise BadAddress(f"a local part must not hold signs that do not print: {text[:80]!a}")
    if not local or len(local.encode("utf-8")) > MAX_LOCAL:
        raise BadAddress(f"a local part has 1 to {MAX_LOCAL} octets")
    if any(sign in local for sign in "%!@"):
        raise BadAddress(f"routing through {local[:80]!r} is not accepted; use the final address")
    return local


def comparison_key(address: Address) -> str:
    """The address as it compares: case-folded, the domain in A-labels."""
    return f"{_folded(address.local)}@{address.domain}"


def _folded(local: str) -> str:
    if local.isascii():
        return local.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())


@lru_cache(maxsize=65536)
def domain_keys(domain: str) -> tuple[str, ...]:
    """What a list may hold that matches this domain: itself, then `.parent` for each parent."""
    labels = domain.split(".")
    parents = (".".join(labels[i:]) for i in range(1, len(labels)))
    return (domain, *(f".{parent}" for parent in parents))


@lru_cache(maxsize=8192)  # every message asks for the keys of each of its addresses several times
def match_keys(address: Address, *, untagged: bool = True) -> tuple[str, ...]:
    """Every list entry that matches the address, the most specific first.

    `bank.test` matches that domain only, `.bank.test` its subdomains only. With `untagged`
    (for requirements), `user@` also matches `user+tag@`.
    """
    folded = _folded(address.local)
    keys = [f"{folded}@{address.domain}"]
    if untagged and "+" in folded:
        keys.append(f"{folded.partition('+')[0]}@{address.domain}")
    return (*keys, *domain_keys(address.domain))


def parse_entry(text: str) -> str:
    """A list entry (`domain`, `.domain` or an address) as the key that `match_keys` gives."""
    entry = text.strip()
    if "@" in entry:
        return comparison_key(parse_address(entry))
    if entry.startswith("."):
        return f".{parse_domain(entry[1:])}"
    return parse_domain(entry)
