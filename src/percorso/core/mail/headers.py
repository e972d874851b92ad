"""Header fields of a message in wire form, as the decision asks for them (RFC 5322, 2.2; RFC 2047; RFC 6532).

What decides over security must not be hidden from us and shown to the recipient. So:

1. Every occurrence of a field counts, also with space before its colon (RFC 5322, 4.5), folded, or behind a dot that
   the next server takes away (RFC 5321, 4.5.2).
2. A header with NUL, bare CR or bare LF is read twice: as it stands, and as a reader would that takes these for
   nothing or for line ends. The fields of both readings count.
3. A value counts as unreadable (`decode` gives None) where readers may differ: NUL, bare CR or LF, octets that are no
   UTF-8, an encoded word of an unknown charset or encoding, or one that decodes into another.
"""

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from percorso.core.mail.address import BadAddress, comparison_key, parse_address, parse_domain

Field = tuple[str, bytes]
"""A field's name in lower case and its value, still folded."""

_BARE_END: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_FOLD: Final = re.compile(r"\r\n(?=[ \t])")
_ENCODED_WORD: Final = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([^?\s]*)\?([^?]*)\?=")
_ENCODED_GAP: Final = re.compile(r"(?<=\?=)[ \t\r\n]+(?==\?)")
_QUOTED_OCTET: Final = re.compile(r"=([0-9A-Fa-f]{2})")
# Bounded, so that no value makes it slow; longer ones are no addresses (RFC 5321, 4.5.3.1).
_ADDRESS: Final = re.compile(r'("(?:[^"\\]|\\.){0,64}"|[^\s<>()\[\],;:"@\\]{1,64})@([^\s<>()\[\],;:"@\\]{1,255})')
_COMMENT_TOKEN: Final = re.compile(r"[()]|\\.|[^()\\]+|\\", re.DOTALL)
_SPACED_SIGN: Final = re.compile(r"\s*([@.])\s*")
MAX_FROM: Final = 16384  # octets of a From field that are looked through; a longer one is unreadable


def find_fields(head: bytes, names: Iterable[str]) -> list[Field]:
    """Every occurrence of the named fields (lower case), in their order; `head` is in wire form."""
    pattern = _pattern(tuple(sorted(names)))
    section = b"\r\n" + head  # so that every field, also the first, comes behind a line end
    end = section.find(b"\r\n\r\n")
    if end >= 0:
        section = section[: end + 2]
    if b"\n." in section:
        section = section.replace(b"\n.", b"\n")
    found = _matches(pattern, section)
    if _is_hostile(section):
        known = set(found)
        found += [f for f in _matches(pattern, _BARE_END.sub(b"\r\n", section.replace(b"\x00", b""))) if f not in known]
    return found


def _matches(pattern: re.Pattern[bytes], section: bytes) -> list[Field]:
    return [(match[1].lower().decode("ascii"), match[2]) for match in pattern.finditer(section)]


def _is_hostile(section: bytes) -> bool:
    ends = section.count(b"\r\n")
    return section.count(b"\r") != ends or section.count(b"\n") != ends or b"\x00" in section


@lru_cache(maxsize=64)
def _pattern(names: tuple[str, ...]) -> re.Pattern[bytes]:
    # The value goes to the first line end that no white space follows. A literal beginning lets the search leap.
    alternatives = b"|".join(re.escape(name.encode("ascii")) for name in names)
    return re.compile(rb"\r\n((?i:" + alternatives + rb"))[ \t]*:([^\r]*(?:\r(?!\n(?![ \t]))[^\r]*)*)")


def unfold(value: bytes) -> str:
    """The value on one line, octets that are no UTF-8 replaced (RFC 5322, 2.2.3)."""
    text = value.decode("utf-8", "replace")
    return (_FOLD.sub("", text) if "\r" in text else text).strip(" \t\r\n")


def decode(value: bytes) -> str | None:
    """The value as its reader sees it, or None where it cannot be read for sure."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\r" in text or "\n" in text:
        text = _FOLD.sub("", text.rstrip("\r\n"))
    if "\x00" in text or "\r" in text or "\n" in text:
        return None
    if "=?" in text:
        decoded = _decode_words(text)
        return None if decoded is None else decoded.strip(" \t")
    return text.strip(" \t")


def _decode_words(text: str) -> str | None:
    """Encoded words decoded, the space between two of them dropped (RFC 2047, 6.2)."""
    joined = _ENCODED_GAP.sub("", text)
    out: list[str] = []
    pending, pending_charset, at = b"", "", 0
    try:
        for word in _ENCODED_WORD.finditer(joined):
            charset, octets = word[1].lower(), _word_octets(word[2], word[3])
            # A character may be split over words of one charset, though it ought not to be (RFC 2047, 5).
            if word.start() > at or charset != pending_charset:
                out += [pending.decode(pending_charset or "ascii"), joined[at : word.start()]]
                pending, pending_charset = b"", charset
            pending, at = pending + octets, word.end()
        out += [pending.decode(pending_charset or "ascii"), joined[at:]]
    except (ValueError, LookupError):
        return None
    decoded = "".join(out)
    return None if "=?" in decoded and _ENCODED_WORD.search(decoded) else decoded


def _word_octets(encoding: str, text: str) -> bytes:
    match encoding.upper():
        case "Q":
            spaced = text.replace("_", " ")
            return _QUOTED_OCTET.sub(lambda octet: chr(int(octet[1], 16)), spaced).encode("latin-1")
        case "B":
            return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
        case _:
            raise ValueError(f"no encoding {encoding!r}")


@lru_cache(maxsize=4096)
def from_addresses(value: bytes) -> tuple[tuple[str, ...], bool]:
    """Every address that some reader may find in a From field, as it compares; and whether some may find another.

    Also those in display names and comments. Where only the domain can be used, the domain alone.
    """
    raw, decoded = unfold(value[:MAX_FROM]), decode(value[:MAX_FROM])
    readable = decoded is not None and len(value) <= MAX_FROM
    found: dict[str, None] = {}
    for text in dict.fromkeys(reading for base in (raw, decoded) if base for reading in _readings(base)):
        for local, domain in _ADDRESS.findall(text):
            try:
                found[_address_key(local, domain)] = None
            except BadAddress:
                readable = False
    return tuple(found), not (readable and found)


def _readings(text: str) -> tuple[str, str]:
    """The text as it stands, and without comments and without space around dots and @ (RFC 5322, 4.4)."""
    return text, _SPACED_SIGN.sub(r"\1", _without_comments(text))


def _without_comments(text: str) -> str:
    if "(" not in text:
        return text
    kept, depth = [], 0
    for piece in _COMMENT_TOKEN.findall(text):
        if piece == "(":
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(piece)
    return " ".join(kept)


def _address_key(local: str, domain: str) -> str:
    domain = parse_domain(domain.strip("."))
    try:
        return comparison_key(parse_address(f"{local}@{domain}"))
    except BadAddress:
        return domain
