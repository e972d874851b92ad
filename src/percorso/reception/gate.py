"""Back-pressure: connections stop reading while the queue is busy, and go on when it is not."""

from collections.abc import Callable

from percorso.ports.queue import Queue


class Gate:
    """One for each worker. `later` calls a function in a little while: other work than ours may have kept the queue
    busy, and then no commit of ours tells that it no longer is.
    """

    def __init__(self, queue: Queue, *, later: Callable[[Callable[[], None]], object]) -> None:
        self._queue = queue
        self._later = later
        self._waiting: list[Callable[[], None]] = []

    def shut(self, go_on: Callable[[], None]) -> bool:
        """Whether the queue is busy; then `go_on` is called once when it no longer is."""
        if not self._queue.busy:
            return False
        if not self._waiting:
            self._later(self._look)
        self._waiting.append(go_on)
        return True

    def open(self) -> None:
        """Let those go on that wait, unless the queue is still busy. Called after each commit."""
        if self._waiting and not self._queue.busy:
            waiting, self._waiting = self._waiting, []
            for go_on in waiting:
                go_on()

    def _look(self) -> None:
        self.open()
        if self._waiting:
            self._later(self._look)
