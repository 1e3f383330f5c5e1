"""Faults and the call log for Google's OAuth endpoints."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localgoogle.faults.faults import OAUTH_METHODS_BY_PATH, ConnectionDropped
from localgoogle.http.call_trace import CallTrace
from localgoogle.http.messages import close_connection
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.errors import CalendarApiError


class OAuthMiddleware:
    """Applies faults to calls of the OAuth endpoints, and records them in the call log."""

    def __init__(self, app: ASGIApp, google: LocalGoogle) -> None:
        self._app = app
        self._google = google

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is a call of OAuth that a fault answers."""
        method = OAUTH_METHODS_BY_PATH.get(scope["path"]) if scope["type"] == "http" else None
        if method is None:
            await self._app(scope, receive, send)
            return
        trace = CallTrace(self._google, scope["path"], method)
        status = 0

        async def record_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._answer(trace, scope, receive, record_status)
        trace.record(status)

    async def _answer(self, trace: CallTrace, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await trace.apply_faults()
        except ConnectionDropped:
            await close_connection(scope, receive)
        except CalendarApiError as error:
            content = {"error": error.reason, "error_description": error.message}
            await JSONResponse(content, status_code=error.status)(scope, receive, send)
        else:
            await self._app(scope, receive, _discard if trace.lost else send)
            if trace.lost:
                self._google.save()
                await close_connection(scope, receive)


async def _discard(_: Message) -> None:
    """Discard a part of an answer."""
