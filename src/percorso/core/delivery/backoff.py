"""When a destination that cannot be reached is tried again: one probe at a time, after pauses that grow.

1. A few attempts in a row that no server answered stop all others: they would only wait for the same.
2. After a pause one attempt is let through. If it fails too, the next pause is twice as long, up to ten minutes.
3. The first answer, whatever it says, ends it at once.
"""

from typing import Final

import msgspec

SILENCES: Final = 5
"""Attempts in a row without an answer, from which on there are pauses."""
FIRST_PAUSE: Final = 15.0  # seconds
LONGEST_PAUSE: Final = 600.0


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a destination. The default is one that answers."""

    silences: int = 0
    """Attempts in a row without an answer."""
    until: float = 0.0
    """No attempt before, unix seconds; 0 where there is no pause."""
    probing: bool = False
    """The probe is under way."""

    @property
    def open(self) -> bool:
        """Whether every attempt may be made."""
        return self.silences < SILENCES

    def may_probe(self, now: float) -> bool:
        """Whether one attempt may be made though it is not open."""
        return not self.open and not self.probing and now >= self.until


REACHED: Final = Backoff()


def begun(state: Backoff) -> Backoff:
    """The state once an attempt begins that `may_probe` allowed."""
    return msgspec.structs.replace(state, probing=True)


def abandoned(state: Backoff) -> Backoff:
    """The state once an attempt has ended that tells nothing of the destination."""
    return msgspec.structs.replace(state, probing=False)


def forgiven(state: Backoff) -> Backoff:
    """The state once there is reason to hope: the next attempt decides."""
    return Backoff(silences=min(state.silences, SILENCES - 1))


def after(state: Backoff, *, answered: bool, now: float) -> Backoff:
    """The state once an attempt has ended. One that began before the pause, and is no probe, does not lengthen it."""
    if answered:
        return REACHED
    if not state.open and not state.probing:
        return state
    silences = state.silences + 1
    if silences < SILENCES:
        return Backoff(silences=silences)
    pause = min(FIRST_PAUSE * 2.0 ** min(silences - SILENCES, 16), LONGEST_PAUSE)
    return Backoff(silences=silences, until=now + pause)
