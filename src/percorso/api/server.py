"""The HTTP server of a node, on a socket that was bound before the fork."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

_KEEP_ALIVE = 30  # seconds
_GRACE = 3  # seconds for requests under way
_AT_ONCE = 200  # connections


async def serve(
    routes: Sequence[BaseRoute], bound: socket.socket, stop: asyncio.Event, *, pair: tuple[Path, Path] | None
) -> None:
    """Answer until `stop`; over TLS where there is a certificate with its key."""
    certificate, key = pair or (None, None)
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=routes),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            http="h11",
            limit_concurrency=_AT_ONCE,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )
    answering = asyncio.create_task(server.serve(sockets=[bound]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([answering, stopping], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await answering
