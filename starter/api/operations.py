"""Routes for operators (health, readiness, metrics), and the log lines and metrics of requests."""

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

from slotsync.domain.messages import is_identifier
from slotsync.errors import SettingsError
from slotsync.store.tables.calendars import MerchantRow
from starter.api.errors import RETRY_AFTER_HEADERS
from starter.api.limits import PROBES
from starter.api.problems import REQUEST_ID_HEADER, UNAVAILABLE, begin_request, problem_response
from starter.bootstrap import Services, ServicesDependency

logger = logging.getLogger(__name__)

health_router = APIRouter(include_in_schema=False)
"""The route that says that the process lives: on every port, since it tells nobody anything."""

router = APIRouter(include_in_schema=False)
"""The routes that operators alone should see."""

TEMPORAL_HEALTH_TIMEOUT = timedelta(seconds=2)
DATABASE_HEALTH_TIMEOUT = timedelta(seconds=3)

_KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestTimes:
    """The Prometheus histogram of request durations, by method, route and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "slotsync_http_request_seconds",
            "How long HTTP requests took",
            ("method", "route", "status"),
            registry=registry,
        )

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record one request. Methods that callers invent share one label, so that the labels stay few."""
        self._seconds.labels(_label(method), route, str(status)).observe(seconds)


class RequestRecorder:
    """Middleware that gives each request its id, and records its status and duration in the log and the metrics."""

    def __init__(self, app: ASGIApp, times: RequestTimes, clock: Callable[[], float] = monotonic) -> None:
        self._app = app
        self._times = times
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; record it when its response starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started = begin_request(Headers(scope=scope)), self._clock()

        async def send_and_record(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
                self._record(request_id, scope, message["status"], self._clock() - started)
            await send(message)

        await self._app(scope, receive, send_and_record)

    def _record(self, request_id: str, scope: Scope, status: int, seconds: float) -> None:
        route = _read_route(scope)
        level = logging.DEBUG if route in PROBES else logging.INFO
        caller = f"{_read_key_name(scope)} {_read_merchant(scope)}"
        milliseconds = seconds * 1000
        method = _label(scope["method"])
        logger.log(level, "%s %s %s %s %d in %.0f ms", request_id, caller, method, route, status, milliseconds)
        self._times.record(scope["method"], route, status, seconds)


def _read_key_name(scope: Scope) -> str:
    key = scope.get("state", {}).get("api_key")
    return key.name if key else "-"


def _read_merchant(scope: Scope) -> str:
    """Return the merchant in the path, or - if there is none, or one that no id can be: a caller's text."""
    merchant = scope.get("path_params", {}).get("merchant")
    return merchant if is_identifier(merchant) else "-"


def _label(method: str) -> str:
    return method if method in _KNOWN_METHODS else "OTHER"


def _read_route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(none)"))


@health_router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Return ok while the process runs."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(services: ServicesDependency) -> Response:
    """Return ready, or status 503 with the parts (database, Temporal) that do not answer, or have other keys."""
    database, temporal = await asyncio.gather(_check_database(services), _check_temporal(services))
    failed = [name for name, healthy in (("the database", database), ("Temporal", temporal)) if not healthy]
    if failed:
        return problem_response(UNAVAILABLE, f"No answer from {' and '.join(failed)}.", headers=RETRY_AFTER_HEADERS)
    try:
        await services.slotsync.require_instance()
    except SettingsError as error:
        return problem_response(UNAVAILABLE, str(error), headers=RETRY_AFTER_HEADERS)
    return PlainTextResponse("ready\n")


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return the metrics of requests and of the store for Prometheus.

    The worker has a port of its own (SLOTSYNC_METRICS_PORT).
    """
    for gauges in request.app.state.gauges:
        await gauges.refresh()
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


async def _check_database(services: Services) -> bool:
    try:
        async with asyncio.timeout(DATABASE_HEALTH_TIMEOUT.total_seconds()):
            await asyncio.to_thread(_read_one_row, services)
    except (SQLAlchemyError, TimeoutError):
        return False
    return True


def _read_one_row(services: Services) -> None:
    with services.store.read() as session:
        session.exec(select(MerchantRow).limit(1)).first()


async def _check_temporal(services: Services) -> bool:
    try:
        return await services.client.service_client.check_health(timeout=TEMPORAL_HEALTH_TIMEOUT)
    except RPCError:
        return False
