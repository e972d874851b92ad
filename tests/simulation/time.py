"""An event loop whose time jumps: where nothing is ready, the next timer is due at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
BEGIN = 1_800_000_000.0


class _Jump(selectors.DefaultSelector):
    """A selector that does not wait, but tells how long it would have."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        assert found or timeout is not None, "nothing will ever happen"
        if not found and timeout:
            self.jumped += timeout
        return found


class JumpingLoop(asyncio.SelectorEventLoop):
    """`time` is the seconds since the beginning."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.jumped


class LoopClock:
    """The `Clock` port on the time of the running loop."""

    def now(self) -> float:
        return BEGIN + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def advance(self, seconds: float) -> None:
        raise NotImplementedError(f"{seconds} s pass by themselves here")


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """Live through it."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(story)
