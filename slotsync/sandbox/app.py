"""The local Google as a web application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotsync.sandbox.api import HANDLERS
from slotsync.sandbox.api_error import ApiError
from slotsync.sandbox.batch import answer_batch
from slotsync.sandbox.connection import hang_up
from slotsync.sandbox.controls import control_routes
from slotsync.sandbox.courier import Courier
from slotsync.sandbox.discovery import calendar_v3
from slotsync.sandbox.dispatcher import Dispatcher
from slotsync.sandbox.local_google import LocalGoogle
from slotsync.sandbox.oauth import oauth_routes
from slotsync.sandbox.oauth_watch import OAuthWatch
from slotsync.sandbox.pages import page_routes
from slotsync.sandbox.wire import ApiReply, ApiRequest


def build_app(google: LocalGoogle) -> Starlette:
    """Everything that the local Google answers, at the paths of the real one."""
    discovery = calendar_v3()
    api = ApiEndpoint(Dispatcher(google, discovery, HANDLERS), discovery.batch_path)
    return Starlette(
        routes=[
            Mount(discovery.base_path.rstrip("/"), app=api),
            Route(discovery.batch_path, api),
            *oauth_routes(google.accounts),
            *control_routes(google),
            *page_routes(google),
        ],
        middleware=[Middleware(SaveFirst, google=google), Middleware(OAuthWatch, google=google)],
        exception_handlers={ApiError: _error},
        lifespan=lambda _: _lifespan(google),
    )


class ApiEndpoint:
    """Calls and batches of the API."""

    def __init__(self, dispatcher: Dispatcher, batch_path: str) -> None:
        self._dispatcher = dispatcher
        self._batch_path = batch_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or hangs up where the answer is to be lost."""
        request = Request(scope, receive)
        headers, body = dict(request.headers), await request.body()
        path = scope["raw_path"].decode().partition("?")[0]
        if path.startswith(self._batch_path):
            reply = await answer_batch(self._dispatcher, headers, body)
        else:
            call = ApiRequest.read(scope["method"], path, scope["query_string"].decode(), headers, body)
            reply = await self._dispatcher.answer(call)
        await _send(reply, scope, receive, send)


class SaveFirst:
    """Lets no answer leave before what it says is in the state file."""

    def __init__(self, app: ASGIApp, google: LocalGoogle) -> None:
        self._app = app
        self._google = google

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, and saves before the first byte of the answer."""

        async def saving(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._google.save()
            await send(message)

        # The API's own calls change no account and commit by themselves, at a fraction of the price.
        is_api = scope["type"] != "http" or scope["path"].startswith(("/calendar/v3/", "/batch/"))
        await self._app(scope, receive, send if is_api else saving)


@asynccontextmanager
async def _lifespan(google: LocalGoogle) -> AsyncIterator[None]:
    courier = Courier(google)
    google.channels.send = courier.send
    yield
    await courier.close()
    google.close()


async def _send(reply: ApiReply, scope: Scope, receive: Receive, send: Send) -> None:
    if reply.lost:
        await hang_up(scope, receive)
        return
    await Response(reply.body, reply.status, reply.headers)(scope, receive, send)


async def _error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return JSONResponse(error.body(), status_code=error.status)
