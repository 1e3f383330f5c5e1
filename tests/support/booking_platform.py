"""The platform's own site: it knows who is logged in, and completes consents that browsers bring back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.support.serving import listening_socket, running_server

COOKIE = "logged-in"


class BookingPlatform:
    """A site on which merchants log in. Merchants are sent there, and slotsync's API is told, by ``api``.

    It is as careless as one can be: it takes the merchant that is logged in, and compares it with none.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.api: httpx.AsyncClient | None = None

    @property
    def return_url(self) -> str:
        """The address to which browsers go back from Google."""
        return f"{self.url}/google"

    def login(self, merchant: str) -> str:
        """Return the address that logs a browser in as this merchant."""
        return f"{self.url}/login/{merchant}"

    async def log_in(self, request: Request) -> Response:
        merchant = request.path_params["merchant"]
        answer = _page(f"Logged in as {merchant}")
        answer.set_cookie(COOKIE, merchant, httponly=True, samesite="lax")
        return answer

    async def come_back(self, request: Request) -> Response:
        """Complete the consent for the merchant that is logged in."""
        merchant, code = request.cookies.get(COOKIE), request.query_params.get("code")
        if not merchant:
            return _page("Please log in.")
        if not code:
            return _page(f"Not connected: {request.query_params['error']}")
        assert self.api
        completed = await self.api.post(f"/v1/merchants/{merchant}/google/complete", json={"code": code})
        return _page(f"{merchant}: {'connected' if completed.is_success else 'refused'}")


def _page(text: str) -> HTMLResponse:
    return HTMLResponse(f"<!doctype html><title>Bookings</title><p>{text}</p>")


@asynccontextmanager
async def booking_platform() -> AsyncIterator[BookingPlatform]:
    """Yield the platform's site on a free port, at another site than slotsync's."""
    listening, url = listening_socket()
    platform = BookingPlatform(url.replace("127.0.0.1", "localhost"))
    routes = [Route("/login/{merchant}", platform.log_in), Route("/google", platform.come_back)]
    config = uvicorn.Config(Starlette(routes=routes), lifespan="off", ws="none", log_level="warning")
    async with running_server(uvicorn.Server(config), listening):
        yield platform
