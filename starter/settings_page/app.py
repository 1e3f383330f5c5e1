"""The routes of the settings page."""

from datetime import timedelta

from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.service import RPCError

from slotsync.errors import NotTaken, SettingsError, Undecryptable
from starter.bootstrap import get_services
from starter.settings_page import changes, drift, forms, home, links
from starter.settings_page.refusals import (
    render_http_error,
    render_invalid_form,
    render_not_set_up,
    render_refusal,
    render_unavailable,
    render_without_temporal,
)
from starter.settings_page.rendering import PageRefused
from starter.settings_page.visit import require_room

_OWNER = "/owners/{kind}/{id}"
_RETRY_AFTER = timedelta(seconds=1)


def build_mounts() -> list[BaseRoute]:
    """Return the mounts of ``/settings`` and of ``/google``, where Google sends browsers back to."""
    return [
        Route("/settings", _add_slash),
        Mount("/settings", _build_pages(_SETTINGS)),
        Mount("/google", _build_pages(_GOOGLE)),
    ]


async def _add_slash(_: Request) -> Response:
    return RedirectResponse("/settings/", status_code=303)


def _build_pages(routes: list[BaseRoute]) -> ExceptionMiddleware:
    # Redirects of missing slashes are built from the Host header, which anybody may write.
    pages = Router(routes, redirect_slashes=False)
    # Errors are answered with pages here, and with problem documents in the rest of the application.
    return ExceptionMiddleware(
        Router([_STATIC, Mount("", _VisitLimit(_InstanceGate(pages)))], redirect_slashes=False),
        {
            PageRefused: render_refusal,
            HTTPException: render_http_error,
            ValueError: render_invalid_form,
            DataError: render_invalid_form,
            SettingsError: render_not_set_up,
            Undecryptable: render_not_set_up,
            NotTaken: render_without_temporal,
            RPCError: render_without_temporal,
            OperationalError: render_unavailable,
            InterfaceError: render_unavailable,
            NoFreeConnection: render_unavailable,
        },
    )


class _VisitLimit:
    """Works on a few requests of each visit and merchant at once, and refuses more of them before anything is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        services = get_services(request)
        session = services.sessions.read(request)
        if session is None:  # such a request waits for nobody
            await self.app(scope, receive, send)
            return
        form = request.method == "POST"
        with services.page_limit.under_way(session.name, session.merchant, form=form) as free:
            require_room(timedelta() if free else _RETRY_AFTER)
            await self.app(scope, receive, send)


class _InstanceGate:
    """Refuses requests as long as the workers have other keys, or another database, than this process."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await get_services(Request(scope)).slotsync.require_instance()
        await self.app(scope, receive, send)


_STATIC = Mount("/static", StaticFiles(packages=[("starter.settings_page", "static")]))
_SETTINGS: list[BaseRoute] = [
    Route("/open", links.show_settings_link),
    Route("/open", links.use_settings_link, methods=["POST"]),
    Route("/sign-out", forms.sign_out, methods=["POST"]),
    Route("/changes", changes.show_changes),
    Route("/work", home.show_work),
    Route("/language/{language}", home.choose_language),
    Route("/connect", forms.connect, methods=["POST"]),
    Route("/account", forms.choose_account, methods=["POST"]),
    Route("/disconnect", forms.disconnect, methods=["POST"]),
    Route("/sync", forms.switch_all, methods=["POST"]),
    Route("/drift/{drift}", drift.answer_drift, methods=["POST"]),
    Route("/sync/progress", home.show_switch_progress),
    Route(f"{_OWNER}/sync", forms.switch, methods=["POST"]),
    Route(f"{_OWNER}/guest-data", forms.choose_guest_data, methods=["POST"]),
    Route(f"{_OWNER}/unknown", forms.choose_on_unknown, methods=["POST"]),
    Route(f"{_OWNER}/calendars", forms.pick, methods=["POST"]),
    Route(f"{_OWNER}/privacy", forms.check_privacy, methods=["POST"]),
    Route(f"{_OWNER}/progress", home.show_progress),
    Route("/", home.home),
]
_GOOGLE: list[BaseRoute] = [
    Route("/connect", links.show_connect_link),
    Route("/connect", links.use_connect_link, methods=["POST"]),
    Route("/reconnect", links.show_reconnect_link),
    Route("/reconnect", links.use_reconnect_link, methods=["POST"]),
    Route("/reconnected", links.show_reconnected),
    Route("/callback", home.complete_consent),
]
