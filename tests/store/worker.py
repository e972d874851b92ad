"""A worker to be killed: accepts mail and delivers it to nobody, telling each promise as it is made.

Run as `python -m tests.store.worker DATA_DIR`. Prints `accepted ID` after the answer of the queue, `delivering ID` when
it takes a claim, and `settled ID` after the settlement is stored; settles only two of three.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from percorso.ports.queue import Claim, Queue, StoreError
from percorso.store.content import INLINE_LIMIT
from percorso.store.sqlite.queue import open_worker_queue
from tests.store.mail import new_message, settlement

LARGE = b"Subject: Large\r\n\r\n" + b"x" * INLINE_LIMIT
SMALL = b"Subject: Small\r\n\r\nHello.\r\n"
AT_ONCE = 20


class Clock:
    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Worker:
    """Accepts without end, `AT_ONCE` at a time."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._count = 0

    def room(self) -> int:
        return 15

    def take(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            tell(f"delivering {claim.message.id}")
            self._count += 1
            if self._count % 3:
                self._settle(claim)

    def send(self) -> None:
        self._count += 1
        message = new_message(self._queue, content=SMALL if self._count % 10 else LARGE)

        def done(failure: StoreError | None) -> None:
            if failure is None:
                tell(f"accepted {message.id}")
            self.send()

        self._queue.accept(message, done)

    def _settle(self, claim: Claim) -> None:
        self._queue.settle(settlement(claim), lambda: tell(f"settled {claim.message.id}"))


async def main(data_dir: Path) -> None:
    queue = open_worker_queue(data_dir, node="mail1", clock=Clock(), loop=asyncio.get_running_loop())
    worker = Worker(queue)
    queue.attach(worker)
    for _ in range(AT_ONCE):
        worker.send()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
