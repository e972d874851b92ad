"""The process of a node that is apart from the mail: HTTP, the retention, and where the evidence stands."""

import asyncio
import logging
import signal
import socket
import threading
import time
from typing import Final

from percorso.api.health import routes
from percorso.api.server import serve
from percorso.config.schema import Configuration
from percorso.metrics.board import Board
from percorso.metrics.exposition import CONTENT_TYPE, exposed, registry
from percorso.operations.evidence import retain
from percorso.operations.heads import tell_heads_hourly
from percorso.operations.standing import standing
from percorso.operations.stores import Stores

RETENTION_SECONDS: Final = 86_400.0
"""How often old evidence is looked for."""

_log = logging.getLogger("percorso")


def run(configuration: Configuration, stores: Stores, board: Board, bound: socket.socket, lifeline: int) -> int:
    """Work until SIGTERM, or until the lifeline ends; returns the exit code."""
    if configuration.retention.evidence:  # a daemon: it may be stopped at any point, and so it is
        keeping = (stores, configuration.retention.evidence)
        threading.Thread(target=_keep_to_retention, args=keeping, daemon=True).start()
    threading.Thread(target=tell_heads_hourly, args=(stores,), daemon=True).start()
    asyncio.run(_answer(configuration, stores, board, bound, lifeline))
    return 0


async def _answer(
    configuration: Configuration, stores: Stores, board: Board, bound: socket.socket, lifeline: int
) -> None:
    console = configuration.console
    numbers = registry(
        board,
        lambda: standing(stores.queue(), stores.evidence(), workers=board.serving(time.monotonic()), now=time.time()),
    )
    answers = routes(
        serving=lambda: board.all_serve(time.monotonic()),
        metrics=lambda: exposed(numbers),
        content_type=CONTENT_TYPE,
    )
    pair = (console.certificate, console.key) if console.certificate and console.key else None
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(lifeline, stop.set)
    await serve(answers, bound, stop, pair=pair)


def _keep_to_retention(stores: Stores, seconds: float) -> None:
    while True:
        try:
            for head in retain(stores.curator(), stores.audit(), seconds=seconds, now=time.time()):
                _log.info("retention: the evidence of %s begins after record %d", head.chain, head.count)
        except Exception:
            _log.exception("retention: it is tried again in a day")
        time.sleep(RETENTION_SECONDS)
