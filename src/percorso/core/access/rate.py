"""How much of its rate an account has used: one number for each account (the generic cell rate algorithm, ITU-T I.371).

The number is the time at which all that was taken will have been earned back. A rate of a hundred in an hour gives a
hundred at once after a quiet hour, and then one more every 36 seconds.
"""

import msgspec

from percorso.core.settings.rate import Rate


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking for one more."""

    until: float
    """The number to keep: unix seconds."""
    wait: float = 0.0
    """Seconds until there is one more; 0 where it was given."""


def take(rate: Rate, until: float, now: float) -> Taken:
    """Take one. `until` is the number kept, 0 for none; `now` is in unix seconds.

    A clock that was set back cannot shut an account out for longer than the rate's own time.
    """
    earned_back = min(max(until, now), now + rate.seconds)
    next_until = earned_back + rate.seconds / rate.count
    wait = next_until - now - rate.seconds
    # A microsecond is more than the error of adding up, and less than any rate's step.
    return Taken(until=next_until) if wait < 1e-6 else Taken(until=earned_back, wait=wait)
