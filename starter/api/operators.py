"""The application for operators alone, on a port of its own: readiness, metrics, documentation. It needs no key."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware
from typing_extensions import override

from starter.api import documentation, operations
from starter.api.middleware import SecurityHeaders


def create_operators_app(api: FastAPI) -> FastAPI:
    """Return the application for the operators of this API."""
    app = FastAPI(
        title=api.title,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(SecurityHeaders, over_https=False)],
    )
    app.state = api.state

    async def openapi() -> dict[str, object]:
        return api.openapi()

    app.add_api_route(documentation.OPENAPI_PATH, openapi)
    for router in (operations.health_router, operations.router, documentation.router):
        app.include_router(router)
    app.router.routes.append(documentation.SWAGGER_ASSETS)
    return app


class OperatorsServer(uvicorn.Server):
    """A server beside that of the API, which is the one that signals stop."""

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield
