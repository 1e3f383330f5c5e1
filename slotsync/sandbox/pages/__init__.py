"""The pages of the local Google."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from slotsync.sandbox.pages.rendering import page

if TYPE_CHECKING:
    from slotsync.sandbox.local_google import LocalGoogle


def page_routes(google: "LocalGoogle") -> list[BaseRoute]:
    """The week page at ``/``, and the styles and scripts of all pages."""

    async def home(_: Request) -> Response:
        return page("home.html", accounts=google.accounts.all())

    return [
        Route("/", home),
        Mount("/static", app=StaticFiles(packages=[("slotsync.sandbox.pages", "static")])),
    ]
