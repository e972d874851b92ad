"""Whether the node works, and its numbers: `/health/live`, `/health/ready`, `/metrics`. None of it names anybody."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


def routes(*, serving: Callable[[], bool], metrics: Callable[[], bytes], content_type: str) -> list[Route]:
    """The routes; `serving` tells whether every worker takes mail in, `metrics` is in the format of Prometheus."""

    def live(_request: Request) -> Response:
        return PlainTextResponse("live\n")

    def ready(_request: Request) -> Response:
        if serving():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("a worker does not serve; see the node's log\n", status_code=503)

    def scrape(_request: Request) -> Response:
        return Response(metrics(), headers={"content-type": content_type, "cache-control": "no-store"})

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", scrape)]
