"""What the sink got, in memory that it shares with the process that waits for it.

Every message carries a number. The tally holds for each number how often it came, so that a lost message and a
doubled one both show, and the time of the newest.
"""

import mmap
import struct
import time

_HEAD = struct.Struct("=qd")  # messages taken, monotonic time of the last


class Tally:
    """Counts up to `messages` messages by number; shared with processes forked after it was made."""

    def __init__(self, messages: int) -> None:
        self._memory = mmap.mmap(-1, _HEAD.size + messages)

    def add(self, number: int) -> None:
        """A message came. Only the sink calls this."""
        place = _HEAD.size + number
        if self._memory[place] < 255:
            self._memory[place] += 1
        taken, _ = _HEAD.unpack_from(self._memory)
        _HEAD.pack_into(self._memory, 0, taken + 1, time.monotonic())

    @property
    def taken(self) -> int:
        """How many messages came, doubles included."""
        return int(_HEAD.unpack_from(self._memory)[0])

    @property
    def last(self) -> float:
        """When the newest came, on the monotonic clock; 0 if none did."""
        return float(_HEAD.unpack_from(self._memory)[1])

    def reset(self) -> None:
        """Forget everything; only between two loads."""
        self._memory[:] = bytes(len(self._memory))

    def lost(self, messages: int) -> list[int]:
        """The numbers below `messages` that never came."""
        counts = self._memory[_HEAD.size : _HEAD.size + messages]
        return [number for number, count in enumerate(counts) if count == 0]

    def doubled(self) -> list[int]:
        """The numbers that came more than once."""
        counts = self._memory[_HEAD.size :]
        return [number for number, count in enumerate(counts) if count > 1]
