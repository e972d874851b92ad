"""Pins: SHA-256 digests of a public key (SubjectPublicKeyInfo), as RFC 7469, 2.4 has them."""

import base64
import binascii
import re
from typing import Final

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


def parse_pin(text: str) -> str:
    """The digest as 64 lower-case hex digits, from hex or `sha256:BASE64`; ValueError for anything else."""
    if _HEX.fullmatch(text):
        return text.lower()
    kind, _, digest = text.partition(":")
    if kind == "sha256":
        try:
            raw = base64.b64decode(digest, validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) == 32:
            return raw.hex()
    raise ValueError(f"{text[:80]!r} is not a SHA-256 pin; write 64 hex digits or sha256:BASE64 of the public key")
