"""Salts for the personal part of the evidence, drawn from the system's randomness many at a time."""

import os
from typing import Final

_OCTETS: Final = 16
_AT_ONCE: Final = 256

_drawn: list[str] = []  # of this worker: nothing is drawn before the fork


def new_salt() -> str:
    """A salt that was never given out before: 128 random bits in hex."""
    if not _drawn:
        octets = os.urandom(_OCTETS * _AT_ONCE)
        _drawn.extend(octets[at : at + _OCTETS].hex() for at in range(0, len(octets), _OCTETS))
    return _drawn.pop()
