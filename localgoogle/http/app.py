"""The web application: all routes of the local Google, at the paths of the real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localgoogle.api.methods import HANDLERS
from localgoogle.controls.accounts import account_routes, user_edit_routes
from localgoogle.controls.faults_and_calls import behaviour_routes, call_log_routes, fault_routes
from localgoogle.controls.hand_edits import hand_edit_routes
from localgoogle.controls.sharing import sharing_routes
from localgoogle.http.batch import answer_batch
from localgoogle.http.call_trace import OAuthMiddleware
from localgoogle.http.dispatcher import Dispatcher
from localgoogle.http.messages import ApiReply, ApiRequest, close_connection
from localgoogle.http.push_sender import PushSender
from localgoogle.local_google import LocalGoogle
from localgoogle.oauth.authorization_endpoint import AuthorizationEndpoint
from localgoogle.oauth.id_tokens import IdTokens
from localgoogle.oauth.token_endpoints import TokenEndpoint, TokenOwnerEndpoints
from localgoogle.pages.week_page import page_routes
from localgoogle.protocol.discovery import calendar_v3
from localgoogle.protocol.errors import CalendarApiError
from localgoogle.state.accounts import GoogleAccounts


def control_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of all controls, under ``/sandbox``."""
    return [
        *account_routes(google),
        *user_edit_routes(google),
        *hand_edit_routes(google),
        *sharing_routes(google),
        *fault_routes(google),
        *behaviour_routes(google),
        *call_log_routes(google),
    ]


def oauth_routes(accounts: GoogleAccounts) -> list[Route]:
    """Return the routes of Google's OAuth endpoints, at Google's paths, for these accounts."""
    id_tokens = IdTokens(accounts)
    authorization = AuthorizationEndpoint(accounts)
    token_owner = TokenOwnerEndpoints(accounts)
    return [
        Route("/o/oauth2/v2/auth", authorization.show, methods=["GET"]),
        Route("/o/oauth2/v2/auth", authorization.decide, methods=["POST"]),
        Route("/token", TokenEndpoint(accounts, id_tokens).answer, methods=["POST"]),
        Route("/revoke", token_owner.revoke, methods=["POST"]),
        Route("/oauth2/v3/userinfo", token_owner.userinfo, methods=["GET", "POST"]),
        Route("/oauth2/v1/certs", id_tokens.certificates, methods=["GET"]),
    ]


def build_app(google: LocalGoogle) -> Starlette:
    """Return the web application: API, OAuth, controls and pages."""
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
        middleware=[Middleware(SaveMiddleware, google=google), Middleware(OAuthMiddleware, google=google)],
        exception_handlers={CalendarApiError: _error_response},
        lifespan=lambda _: _lifespan(google),
    )


class ApiEndpoint:
    """The endpoint of all calls and batches of the API."""

    def __init__(self, dispatcher: Dispatcher, batch_path: str) -> None:
        self._dispatcher = dispatcher
        self._batch_path = batch_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or close the connection if a fault loses the answer."""
        request = Request(scope, receive)
        headers, body = dict(request.headers), await request.body()
        path = scope["raw_path"].decode().partition("?")[0]
        if path.startswith(self._batch_path):
            reply = await answer_batch(self._dispatcher, headers, body)
        else:
            call = ApiRequest.read(scope["method"], path, scope["query_string"].decode(), headers, body)
            reply = await self._dispatcher.answer(call)
        await _send_reply(reply, scope, receive, send)


class SaveMiddleware:
    """Saves all changes in the state file before the answer is sent."""

    def __init__(self, app: ASGIApp, google: LocalGoogle) -> None:
        self._app = app
        self._google = google

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and save before the first byte of the answer."""

        async def save_before_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._google.save()
            await send(message)

        # The calls of the API change no account and commit by themselves, which takes a fraction of the time.
        is_api = scope["type"] != "http" or scope["path"].startswith(("/calendar/v3/", "/batch/"))
        await self._app(scope, receive, send if is_api else save_before_start)


@asynccontextmanager
async def _lifespan(google: LocalGoogle) -> AsyncIterator[None]:
    push_sender = PushSender(google)
    google.channels.send = push_sender.send
    yield
    await push_sender.close()
    google.close()


async def _send_reply(reply: ApiReply, scope: Scope, receive: Receive, send: Send) -> None:
    if reply.lost:
        await close_connection(scope, receive)
        return
    await Response(reply.body, reply.status, reply.headers)(scope, receive, send)


async def _error_response(_: Request, error: Exception) -> Response:
    if not isinstance(error, CalendarApiError):
        raise error
    return JSONResponse(error.body(), status_code=error.status)
