"""What operators see of requests: an id, a line in the log, and metrics. Never an address: it may hold a secret."""

import logging
from collections.abc import Callable
from time import monotonic

from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.api.request_id import HEADER, begin_request

logger = logging.getLogger(__name__)

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_ASKED_ALL_DAY = {"/healthz", "/readyz", "/metrics"}


class RequestTimes:
    """How long requests took, by method, route and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "slotsync_http_request_seconds",
            "How long HTTP requests took",
            ("method", "route", "status"),
            registry=registry,
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Adds one request. Whatever callers invent, the labels stay few."""
        known = method if method in _METHODS else "OTHER"
        self._seconds.labels(known, route, str(status)).observe(seconds)


class Watch:
    """Gives each request its id, and tells the log and the metrics how it ended."""

    def __init__(self, app: ASGIApp, times: RequestTimes, clock: Callable[[], float] = monotonic) -> None:
        self._app = app
        self._times = times
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started = begin_request(Headers(scope=scope)), self._clock()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
                self._tell(request_id, scope, message["status"], self._clock() - started)
            await send(message)

        await self._app(scope, receive, watched)

    def _tell(self, request_id: str, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        level = logging.DEBUG if route in _ASKED_ALL_DAY else logging.INFO
        logger.log(level, "%s %s %s %d in %.0f ms", request_id, scope["method"], route, status, seconds * 1000)
        self._times.note(scope["method"], route, status, seconds)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(none)"))
