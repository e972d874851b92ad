"""A password in the form in which it is hashed and compared (RFC 8265, 4.2)."""

import unicodedata
from typing import Final

MIN_LENGTH: Final = 8
"""Characters; NIST SP 800-63B, 3.1.1.2."""
MAX_LENGTH: Final = 255
"""Octets in UTF-8: what every client can send (RFC 4616, 2)."""


class BadPassword(ValueError):
    """The password cannot be taken; the message says why, and never holds the password."""


def prepare(password: str) -> str:
    """The same text for every keyboard: composed (NFC), with every kind of space as U+0020."""
    if password.isascii():
        return password
    return unicodedata.normalize("NFC", "".join(" " if unicodedata.category(c) == "Zs" else c for c in password))


def check_new(password: str) -> str:
    """A new password, prepared; raises `BadPassword`."""
    prepared = prepare(password)
    if len(prepared) < MIN_LENGTH:
        raise BadPassword(f"the password is shorter than {MIN_LENGTH} characters; choose a longer one, or --generate")
    if len(prepared.encode("utf-8", "surrogatepass")) > MAX_LENGTH:
        raise BadPassword(f"the password is longer than {MAX_LENGTH} bytes, which not every client can send")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in prepared):
        raise BadPassword("the password holds a control character; give it as one line of text")
    return prepared
