"""The API process: the web application (API and settings page) and its server."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.metadata import version
from typing import Final, cast

import uvicorn
from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware import Middleware
from typing_extensions import override

from slotsync.clock import utc_now
from slotsync.domain.availability.push_channels import hash_address
from slotsync.google.channels import push_address
from slotsync.settings import Settings
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.calendars.drift_records import DriftRecords
from slotsync.store.database.engine import MAX_DATABASE_CONNECTIONS, Store
from slotsync.temporal.options import build_runtime, connect
from starter.api import (
    audit,
    availability,
    conflicts,
    documentation,
    drift,
    google,
    lists,
    merchants,
    messages,
    operations,
    owners,
    reservations,
)
from starter.api.bodies import BodyLimit
from starter.api.connections import BoundedProtocol
from starter.api.errors import UnexpectedErrors, register_error_handlers
from starter.api.gauges import ConnectionGauges, DriftGauges, IntentGauges, MessageGauges, PushGauges
from starter.api.key_gate import ApiKeyGate, require_permission
from starter.api.keys import ApiKeys
from starter.api.limits import MerchantLimit, RequestDeadline, RequestLimit
from starter.api.middleware import SecurityHeaders
from starter.api.operations import RequestRecorder, RequestTimes
from starter.api.operators import OperatorsServer, create_operators_app
from starter.api.problems import GOOGLE_PROBLEMS, WRONG_STATE
from starter.bootstrap import Services, ServicesDependency
from starter.settings_page.app import build_mounts

logger = logging.getLogger(__name__)

REQUESTS_SHUTDOWN_TIMEOUT: Final = timedelta(seconds=30)
"""The time that requests in flight have after SIGTERM."""

DATABASE_RETRY_DELAY: Final = timedelta(seconds=5)

_NO_TELEMETRY: Final = TelemetryConfig(
    tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False
)
"""FastAPI's own OpenTelemetry would record addresses with their queries: codes and states of Google, links. It is off,
whatever provider or variable is set, until these are taken out."""

# ApiKeyGate checks the key of every address; this only documents it in OpenAPI.
_API_KEY = Security(HTTPBearer(auto_error=False, description="An API key of SLOTSYNC_API_KEYS."))


def create_app(services: Services) -> FastAPI:
    """Return the web application on these services.

    Raises:
        SettingsError: no API key is set.
    """
    registry = CollectorRegistry()
    app = _DocumentedApi(
        title="slotsync",
        version=version("slotsync"),
        description=documentation.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None if services.settings.operators_port else documentation.OPENAPI_PATH,
        redirect_slashes=False,  # such redirects are built from the Host header, which anybody may write
        middleware=_build_middleware(services, registry),
        telemetry=_NO_TELEMETRY,
    )
    app.state.services, app.state.registry = services, registry
    app.state.gauges = (
        IntentGauges(services.intent_counts, registry),
        PushGauges(services.push_channels, hash_address(push_address(services.settings)), registry),
        ConnectionGauges(services.connection_views, registry),
        MessageGauges(services.message_history, registry),
        DriftGauges(DriftRecords(services.store), registry),
    )
    register_error_handlers(app)
    dependencies = [_API_KEY, Depends(require_permission), Depends(MerchantLimit()), Depends(_require_instance)]
    for protected, problems in (
        (reservations, ()),
        (merchants, ()),
        (audit, ()),
        (messages, (WRONG_STATE,)),
        (owners, ()),
        (lists, ()),
        (drift, (WRONG_STATE,)),
        (conflicts, ()),
        (availability, ()),
        (google, GOOGLE_PROBLEMS),
    ):
        responses = documentation.describe_problems(*problems)
        app.include_router(protected.router, dependencies=dependencies, responses=responses)
    for public in (operations.health_router, google.push_router):
        app.include_router(public)
    if not services.settings.operators_port:
        app.include_router(operations.router)
        app.include_router(documentation.router)
        app.router.routes.append(documentation.SWAGGER_ASSETS)
    app.router.routes += build_mounts()
    return app


async def _require_instance(services: ServicesDependency) -> None:
    await services.slotsync.require_instance()


class _DocumentedApi(FastAPI):
    @override
    def openapi(self) -> dict[str, object]:
        schema = super().openapi()
        schema["components"]["schemas"].update(documentation.build_problem_schemas())
        return schema


def _build_middleware(services: Services, registry: CollectorRegistry) -> Sequence[Middleware]:
    """Return the middleware, the outermost first."""
    return (
        Middleware(RequestRecorder, times=RequestTimes(registry)),
        Middleware(SecurityHeaders, over_https=services.settings.public_url.startswith("https://")),
        Middleware(UnexpectedErrors),
        Middleware(RequestDeadline),
        Middleware(ApiKeyGate, keys=ApiKeys.from_settings(services.settings)),
        Middleware(BodyLimit),
        Middleware(RequestLimit),
    )


KEEP_ALIVE_TIMEOUT: Final = timedelta(seconds=75)
"""Longer than clients keep an idle connection (httpx 5 s, proxies 60 s): else one that is closed in the moment of a
request costs the platform an error (seen in the tests with uvicorn's 5 s)."""


class _Server(uvicorn.Server):
    """A server that has all accounts with push read once it listens: it may have missed notifications before."""

    def __init__(self, config: uvicorn.Config, channels: PushChannels) -> None:
        super().__init__(config)
        self._channels = channels
        self._reading: asyncio.Task[None] | None = None

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._reading = asyncio.create_task(self._have_all_read())

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._reading:
            self._reading.cancel()
        await super().shutdown(sockets)

    async def _have_all_read(self) -> None:
        while True:
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(self._channels.have_all_read, utc_now())
                return
            await asyncio.sleep(DATABASE_RETRY_DELAY.total_seconds())


MAX_CONNECTIONS: Final = 2000
"""Of callers, idle ones included; what is more is answered 503 before it is looked at."""


def create_server(services: Services, host: str, port: int) -> uvicorn.Server:
    """Return a server for the API that has not been started."""
    return _Server(_configure(create_app(services), host, port, services.settings), services.push_channels)


def create_operators_server(api: uvicorn.Server, settings: Settings) -> OperatorsServer | None:
    """Return a server of what is for the operators of this API, or None if they use the port of the API."""
    if settings.operators_port is None:
        return None
    app = create_operators_app(cast("FastAPI", api.config.app))
    return OperatorsServer(_configure(app, settings.operators_host, settings.operators_port, settings))


def _configure(app: FastAPI, host: str, port: int, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,  # RequestRecorder logs routes instead: addresses hold ids
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        timeout_graceful_shutdown=round(REQUESTS_SHUTDOWN_TIMEOUT.total_seconds()),
        timeout_keep_alive=round(KEEP_ALIVE_TIMEOUT.total_seconds()),
    )


def main(host: str, port: int, fd: int | None = None) -> None:
    """Serve in the foreground until SIGTERM or Ctrl-C, and let requests that are being answered end.

    With ``fd`` it listens on this inherited socket, of which the address is given.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    inherited = None if fd is None else [socket.socket(fileno=fd)]
    asyncio.run(_serve(Settings.load(), host, port, inherited))


async def _serve(settings: Settings, host: str, port: int, inherited: list[socket.socket] | None) -> None:
    ApiKeys.from_settings(settings)  # a missing key is reported before any server is waited for
    # As many threads as there are connections to the database; Google's calls have their own.
    threads = ThreadPoolExecutor(MAX_DATABASE_CONNECTIONS, thread_name_prefix="database")
    asyncio.get_running_loop().set_default_executor(threads)
    store = await asyncio.to_thread(Store.open, settings.database_url)
    await asyncio.to_thread(store.upgrade)
    client = await connect(runtime=build_runtime())
    services = Services.create(settings, store, client)
    server = create_server(services, host, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn has handlers of its own while it runs, and raises the signal again when it is done.
        signal.signal(number, lambda *_: None)
    try:
        logger.info("serving http://%s:%d, documented at /docs", host, port)
        async with _serving_operators(create_operators_server(server, settings)):
            await server.serve(inherited)
        logger.info("stopped")
    finally:
        services.close()
        store.close()


@asynccontextmanager
async def _serving_operators(server: OperatorsServer | None) -> AsyncIterator[None]:
    if server is None:
        yield
        return
    running = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await running
