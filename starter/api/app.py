"""The web application: API, settings page, and what surrounds them."""

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware
from typing_extensions import override

from starter.api import availability, documentation, google, operations, owners, reservations
from starter.api.errors import UnexpectedErrors, answer_errors
from starter.api.keys import ApiKeyGate, ApiKeys
from starter.api.middleware import BodyLimit, SecurityHeaders
from starter.api.operations import RequestTimes, Watch
from starter.api.problems import OF_GOOGLE
from starter.bootstrap import Services
from starter.settings_page.app import page_mounts

# ApiKeyGate asks for the key, for all addresses at once; this only tells OpenAPI of it.
_KEY_NEEDED = Security(HTTPBearer(auto_error=False, description="An API key of SLOTSYNC_API_KEYS."))


def create_app(services: Services) -> FastAPI:
    """The HTTP API on top of this backend; a SettingsError when no API key is set."""
    registry = CollectorRegistry()
    app = _Api(
        title="slotsync",
        version=version("slotsync"),
        description=documentation.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        middleware=_middleware(services, registry),
    )
    app.state.services, app.state.registry = services, registry
    answer_errors(app)
    for protected, problems in (
        (reservations, ()),
        (owners, ()),
        (availability, ()),
        (google, OF_GOOGLE),
    ):
        documented = documentation.documented_problems(*problems)
        app.include_router(protected.router, dependencies=[_KEY_NEEDED], responses=documented)
    for public in (operations.router, documentation.router, google.push_router):
        app.include_router(public)
    app.router.routes += [documentation.ASSETS, *page_mounts()]
    return app


class _Api(FastAPI):
    @override
    def openapi(self) -> dict[str, object]:
        schema = super().openapi()
        schema["components"]["schemas"].update(documentation.problem_schemas())
        return schema


def _middleware(services: Services, registry: CollectorRegistry) -> Sequence[Middleware]:
    """From the outside in."""
    return (
        Middleware(Watch, times=RequestTimes(registry)),
        Middleware(SecurityHeaders, over_https=services.settings.public_url.startswith("https://")),
        Middleware(UnexpectedErrors),
        Middleware(ApiKeyGate, keys=ApiKeys.of(services.settings)),
        Middleware(BodyLimit),
    )
