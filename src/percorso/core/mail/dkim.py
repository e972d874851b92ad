"""DKIM signatures (RFC 6376): what of a message is hashed, and the field that bears the signature.

1. rsa-sha256 over relaxed header fields and a relaxed body: what every verifier knows.
2. A message in wire form comes in; what is hashed is what the receiver has, without the doubled dots.
3. The fields that people see are signed once more than they occur, so that none can be added (RFC 6376, 5.4.2).
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Final

from percorso.core.smtp.data import from_wire

ALGORITHM: Final = "rsa-sha256"
_SEEN: Final = ("from", "reply-to", "to", "cc", "subject", "date")
_OTHERS: Final = (
    "sender", "message-id", "in-reply-to", "references", "mime-version", "content-type", "content-transfer-encoding",
    "list-id", "list-unsubscribe", "list-unsubscribe-post", "tls-required",
)  # fmt: skip
_NEXT_FIELD: Final = re.compile(rb"\r\n(?![ \t])")
_SPACE: Final = re.compile(rb"[ \t]+")
_NAMES_IN_A_LINE: Final = 6


class BodyHash:
    """The hash of a body that comes in chunks (RFC 6376, 3.4.4); `skip` octets before it are not of it."""

    __slots__ = ("_empty_lines", "_hash", "_line", "_skip")

    def __init__(self, *, skip: int = 0) -> None:
        self._skip = skip
        self._hash = hashlib.sha256()
        self._line = b""  # the beginning of one whose end is still to come
        self._empty_lines = 0  # that count only if another line follows

    def update(self, chunk: bytes) -> None:
        """The next octets, in wire form."""
        skipped = min(self._skip, len(chunk))
        self._skip -= skipped
        text = self._line + chunk[skipped:]
        end = text.rfind(b"\r\n") + 2
        if end == 1:  # rfind said -1
            self._line = text
        else:
            self._line = text[end:]
            self._take(text[:end])

    def digest(self) -> bytes:
        """SHA-256 of the canonical body."""
        if self._line:
            self._take(self._line + b"\r\n")
            self._line = b""
        return self._hash.digest()

    def _take(self, lines: bytes) -> None:
        lines = _SPACE.sub(b" ", from_wire(lines)).replace(b" \r\n", b"\r\n")
        kept = lines.rstrip(b"\r\n")
        if kept:
            self._hash.update(b"\r\n" * self._empty_lines + kept + b"\r\n")
            self._empty_lines = -1
        self._empty_lines += (len(lines) - len(kept)) // 2


def signature_field(
    head: bytes, body_hash: bytes, *, domain: str, selector: str, at: int, sign: Callable[[bytes], bytes]
) -> bytes:
    """The DKIM-Signature field with its line end, for the top of the message.

    `head` is the header section in wire form, `at` unix seconds; `sign` gives the signature of octets by `ALGORITHM`.
    """
    fields = _fields(head)
    names = list(_names(fields))
    lines = [
        f"DKIM-Signature: v=1; a={ALGORITHM}; c=relaxed/relaxed; d={domain}; s={selector};",
        f"\tt={at}; h={_folded(names)};",
        f"\tbh={base64.b64encode(body_hash).decode()};",
        "\tb=",
    ]
    field = "\r\n".join(lines).encode("ascii")
    name, _, value = field.partition(b":")
    hashed = _in_order(fields, names) + _canonical(name.lower(), value).removesuffix(b"\r\n")  # RFC 6376, 3.7
    signature = base64.b64encode(sign(hashed))
    return field + b"\r\n\t".join(signature[start : start + 72] for start in range(0, len(signature), 72)) + b"\r\n"


def _fields(head: bytes) -> dict[str, list[bytes]]:
    """The canonical fields by name, each name's in their order."""
    found: dict[str, list[bytes]] = {}
    for field in _NEXT_FIELD.split(from_wire(head)):
        name, colon, value = field.partition(b":")
        if colon:
            name = name.rstrip(b" \t").lower()
            found.setdefault(name.decode("latin-1"), []).append(_canonical(name, value))
    return found


def _canonical(name: bytes, value: bytes) -> bytes:
    """A field in relaxed form (RFC 6376, 3.4.2)."""
    return name + b":" + _SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ") + b"\r\n"


def _names(fields: dict[str, list[bytes]]) -> Iterator[str]:
    for name in _SEEN:
        yield from [name] * (len(fields.get(name, ())) + 1)
    for name in _OTHERS:
        yield from [name] * len(fields.get(name, ()))


def _in_order(fields: dict[str, list[bytes]], names: list[str]) -> bytes:
    """The fields as `names` lists them, of each name the last first; one more than there are is nothing."""
    left = {name: list(values) for name, values in fields.items()}
    return b"".join(left[name].pop() for name in names if left.get(name))


def _folded(names: list[str]) -> str:
    lines = [names[start : start + _NAMES_IN_A_LINE] for start in range(0, len(names), _NAMES_IN_A_LINE)]
    return ":\r\n\t".join(":".join(line) for line in lines)
