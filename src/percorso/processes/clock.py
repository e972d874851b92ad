"""The machine's clock."""

import time


class SystemClock:
    """`Clock` by the machine's time."""

    def now(self) -> float:
        """Unix seconds; may step."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()
