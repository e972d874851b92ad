"""DKIM signing: own domains, each once, with a selector and a key."""

import re
from collections.abc import Iterator
from typing import Final

from percorso.core.mail.address import BadAddress, domain_keys, parse_domain, parse_entry
from percorso.core.settings.problem import Problem, title
from percorso.core.settings.schema import Dkim, Document

# RFC 6376, 3.1: labels of a domain name, in which an underscore would be no host name's.
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SELECTOR: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def check_dkim(document: Document) -> Iterator[Problem]:
    """Domains that are not the organization's or given twice, and what is no selector or names no key."""
    own = set(_own(document))
    seen: set[str] = set()
    for index, table in enumerate(document.dkim):
        for key, message, mend in _wrong_with(table, own, seen):
            where = title("dkim", table.domain)
            yield Problem(path=("dkim", index, key), message=f"{where}: {message}", mend=mend)


def _wrong_with(table: Dkim, own: set[str], seen: set[str]) -> Iterator[tuple[str, str, str]]:
    try:
        domain = parse_domain(table.domain)
    except BadAddress as error:
        yield "domain", str(error), 'write it like "corp.test"'
    else:
        if domain in seen:
            yield (
                "domain",
                "it is given twice",
                "leave one; publish a new key before its selector is applied",
            )
        elif own.isdisjoint(domain_keys(domain)):
            yield "domain", "this is no domain of the organization", "add it to the organization's domains"
        seen.add(domain)
    if len(table.selector) > 63 or not _SELECTOR.fullmatch(table.selector):
        mend = 'write the part before "._domainkey", such as "percorso1"'
        yield "selector", f"{table.selector[:80]!r} is no selector", mend
    if not table.key_secret:
        yield "key_secret", "key_secret is empty", "name the secret that holds the private key (PEM)"


def _own(document: Document) -> Iterator[str]:
    for domain in document.organization.domains:
        try:
            yield parse_entry(domain)
        except BadAddress:
            continue  # told by the checks of values
