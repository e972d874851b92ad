"""Passwords as they are kept: Argon2id hashes (RFC 9106), with their salt and parameters in the text.

Computing one takes 19 MiB and tens of milliseconds on purpose: never on the event loop.
"""

from functools import cache
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from percorso.core.access.password import prepare

# The least that OWASP recommends for Argon2id (2 passes over 19 MiB, one lane). More memory would let a few clients
# that guess at once use up a small machine's.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def hash_password(password: str) -> str:
    """The text to keep; another one each time."""
    return _HASHER.hash(prepare(password))


def is_password(encoded: str, password: str) -> bool:
    """Whether it is the password that was hashed. Where nothing was (""), no, after as long a time.

    Raises `Argon2Error` where it cannot be computed, for want of memory or because `encoded` is no hash.
    """
    try:
        _HASHER.verify(encoded or _nobodys(), prepare(password))
    except VerifyMismatchError:
        return False
    return bool(encoded)


def is_outdated(encoded: str) -> bool:
    """Whether it was hashed with other parameters than a new one would be."""
    return _HASHER.check_needs_rehash(encoded)


@cache
def _nobodys() -> str:
    return hash_password("the password of no account")
