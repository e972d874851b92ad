"""Whether a name that a peer presents is the name that it ought to have (RFC 9525, 6.3; RFC 8461, 4.1).

1. Only subjectAltName dNSName counts, never a subject's common name (RFC 9525, 2).
2. A wildcard is the whole left-most label, and stands for exactly one label (RFC 9525, 6.3).
3. A wildcard directly below a top-level domain (`*.test`) matches nothing: no one owner can vouch for all of it.
   RFC 9525, 7.1 leaves that to us.
4. Names are lower-case A-labels. An IP address names nobody.
"""

from collections.abc import Iterable


def name_matches(presented: str, reference: str) -> bool:
    """Whether the presented name, perhaps with a wildcard, stands for the reference name."""
    if not reference or is_address(reference):
        return False
    if not presented.startswith("*."):
        return presented == reference and "*" not in presented
    parent = presented[2:]
    first, _, rest = reference.partition(".")
    return bool(first) and rest == parent and "." in parent and "*" not in parent


def any_name_matches(presented: Iterable[str], references: Iterable[str]) -> bool:
    """Whether one of the presented names stands for one of the reference names."""
    wanted = tuple(references)
    return any(name_matches(name, reference) for name in presented for reference in wanted)


def is_address(name: str) -> bool:
    """Whether a host's name is an IP address: a last label of digits is no top-level domain (RFC 3696, 2)."""
    return ":" in name or name.rpartition(".")[2].isdigit()
