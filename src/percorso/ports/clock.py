"""The time, as an argument of everything that needs it."""

from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Unix seconds; may step."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; for time-outs and rates."""
        ...
