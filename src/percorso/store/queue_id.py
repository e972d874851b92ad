"""Queue ids: 60 bits that grow with time, written as 15 hexadecimal digits.

42 bits of milliseconds since 1970, 8 bits of the shard's number, 10 bits of sequence. The number is the
message's key in the store, so ids sort by age as numbers and as text.
"""

from typing import Final

from percorso.ports.clock import Clock

_SEQUENCE_BITS: Final = 10
_SHARD_BITS: Final = 8
_TIME_SHIFT: Final = _SEQUENCE_BITS + _SHARD_BITS
_SHARD_MASK: Final = ((1 << _SHARD_BITS) - 1) << _SEQUENCE_BITS
ONE_SECOND: Final = 1000 << _TIME_SHIFT
"""What an id grows by in a second."""


def queue_id(number: int) -> str:
    """The text of an id."""
    return f"{number:015X}"


def id_number(text: str) -> int:
    """The number of an id; ValueError where the text is none."""
    number = int(text, 16)
    if number < 0 or queue_id(number) != text.upper():
        raise ValueError(f"{text!r} is not a queue id: it has 15 hexadecimal digits")
    return number


class IdSource:
    """Gives ids that no other shard gives, each greater than the last, whatever the clock does."""

    def __init__(self, shard: int, clock: Clock, *, above: int) -> None:
        self._shard = (shard << _SEQUENCE_BITS) & _SHARD_MASK
        self._clock = clock
        self._last = above

    def next(self) -> int:
        """The next id."""
        moment = int(self._clock.now() * 1000)
        number = max((moment << _TIME_SHIFT) | self._shard, self._last + 1)
        if number & _SHARD_MASK != self._shard:  # the sequence of that millisecond is used up
            number = (((number >> _TIME_SHIFT) + 1) << _TIME_SHIFT) | self._shard
        self._last = number
        return number
