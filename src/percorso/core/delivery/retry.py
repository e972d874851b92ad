"""When a deferred recipient is tried again, and when its time is up (RFC 5321, 4.5.4.1).

1. The first retry comes after five minutes; each wait doubles, up to four hours.
2. While secure transport fails, the wait grows to one hour at most: its time is shorter, and a mended certificate
   should be noticed soon.
3. Chance moves every wait by up to a fifth, so that what failed together is not retried together.
4. The last attempt is made when the time is up, not hours after it; one is made when the sender is to be warned, too.
"""

from typing import Final

FIRST_WAIT: Final = 300.0  # seconds
LONGEST_WAIT: Final = 4 * 3600.0
LONGEST_INSECURE_WAIT: Final = 3600.0
DELAY_WARNING: Final = 4 * 3600.0  # RFC 5321, 4.5.4.1: long enough that most delays end before
JITTER: Final = 0.2  # of the wait, either way


def expires_at(*, accepted_at: float, insecure_since: float, secure_expiry: float, expiry: float) -> float:
    """When the recipient's time is up, unix seconds: a deferral at that time or later is a bounce.

    `insecure_since` is the time of the first typed secure-transport failure, or 0 where the attempt at hand was
    deferred for another reason. The spans are the settings', in seconds.
    """
    latest = accepted_at + expiry
    return min(latest, insecure_since + secure_expiry) if insecure_since else latest


def warns_at(*, accepted_at: float, insecure_since: float, secure_warning: float) -> float:
    """When the sender is to be told that the message waits, unix seconds; the arguments as for `expires_at`."""
    return insecure_since + secure_warning if insecure_since else accepted_at + DELAY_WARNING


def next_attempt(attempts: int, now: float, roll: float, *, latest: float, insecure: bool = False) -> float:
    """When to try again, unix seconds, never after `latest` (as `expires_at` gives it).

    `attempts` counts those made, this one included; `roll` is a random number in [0, 1); `insecure` tells that the
    attempt ended in a typed secure-transport failure.
    """
    longest = LONGEST_INSECURE_WAIT if insecure else LONGEST_WAIT
    wait = min(FIRST_WAIT * 2.0 ** min(attempts - 1, 16), longest)
    wait *= 1 - JITTER + 2 * JITTER * roll
    return max(now, min(now + wait, latest))
