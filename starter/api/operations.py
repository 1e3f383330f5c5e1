"""Routes for operators: health, readiness, metrics; and what is measured and logged of requests."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.service import RPCError

from slotsync.store.tables.calendars import MerchantRow
from starter.api.errors import RETRY_AFTER
from starter.api.problems import HEADER, UNAVAILABLE, begin_request, problem_response
from starter.bootstrap import Services, ServicesDependency

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


router = APIRouter(include_in_schema=False)

ANSWERS_WITHIN = timedelta(seconds=2)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Answers as long as the process does."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(services: ServicesDependency) -> Response:
    """Whether the database and Temporal answer."""
    database, temporal = await asyncio.gather(asyncio.to_thread(_database, services), _temporal(services))
    silent = [name for name, answers in (("the database", database), ("Temporal", temporal)) if not answers]
    if silent:
        return problem_response(UNAVAILABLE, f"No answer from {' and '.join(silent)}.", headers=RETRY_AFTER)
    return PlainTextResponse("ready\n")


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """How requests went, for Prometheus; the worker has a port of its own (SLOTSYNC_METRICS_PORT)."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


def _database(services: Services) -> bool:
    try:
        with services.store.read() as session:
            session.exec(select(MerchantRow).limit(1)).first()
    except SQLAlchemyError:
        return False
    return True


async def _temporal(services: Services) -> bool:
    try:
        return await services.client.service_client.check_health(timeout=ANSWERS_WITHIN)
    except RPCError:
        return False
