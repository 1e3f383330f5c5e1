"""The routes of the settings page."""

from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from slotsync.errors import SettingsError
from starter.settings_page import google, home, owners
from starter.settings_page.rendering import PageRefused, http_error, invalid, not_set_up, refused

_OWNER = "/owners/{kind}/{id}"


def page_mounts() -> list[BaseRoute]:
    """Everything below ``/settings``, and where Google sends browsers back to."""
    return [Mount("/settings", _pages(_SETTINGS)), Mount("/google", _pages(_GOOGLE))]


def _pages(routes: list[BaseRoute]) -> ExceptionMiddleware:
    # Errors are told as pages here, and as problem documents in the rest of the application.
    return ExceptionMiddleware(
        Router(routes),
        {PageRefused: refused, HTTPException: http_error, ValueError: invalid, SettingsError: not_set_up},
    )


_SETTINGS: list[BaseRoute] = [
    Route("/open", home.open_link),
    Route("/language/{language}", home.choose_language),
    Route("/connect", google.connect, methods=["POST"]),
    Route("/account", google.choose_account, methods=["POST"]),
    Route("/disconnect", google.disconnect, methods=["POST"]),
    Route("/sync", owners.switch_all, methods=["POST"]),
    Route(f"{_OWNER}/sync", owners.switch, methods=["POST"]),
    Route(f"{_OWNER}/guest-data", owners.choose_guest_data, methods=["POST"]),
    Route(f"{_OWNER}/unknown", owners.choose_on_unknown, methods=["POST"]),
    Route(f"{_OWNER}/calendars", owners.pick, methods=["POST"]),
    Route(f"{_OWNER}/privacy", owners.check_privacy, methods=["POST"]),
    Mount("/static", StaticFiles(packages=[("starter.settings_page", "static")])),
    Route("/", home.home),
]
_GOOGLE: list[BaseRoute] = [
    Route("/connect", google.follow_connect_link),
    Route("/callback", google.callback),
]
