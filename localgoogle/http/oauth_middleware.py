"""Faults and the call log for Google's OAuth endpoints."""

import asyncio
import time

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localgoogle.faults.faults import Fault
from localgoogle.http.messages import close_connection
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.errors import known_error
from localgoogle.state.call_log import LoggedCall

METHODS_BY_PATH = {
    "/o/oauth2/v2/auth": "oauth2.auth",
    "/token": "oauth2.token",
    "/revoke": "oauth2.revoke",
    "/oauth2/v3/userinfo": "oauth2.userinfo",
}


class OAuthMiddleware:
    """Lets the OAuth endpoints fail as told, and writes down their calls."""

    def __init__(self, app: ASGIApp, google: LocalGoogle) -> None:
        self._app = app
        self._google = google

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is no call of OAuth, and most of what is."""
        method = METHODS_BY_PATH.get(scope["path"]) if scope["type"] == "http" else None
        if method is None:
            await self._app(scope, receive, send)
            return
        began, moment, status = time.perf_counter(), self._google.clock(), 0

        async def record_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        faults = self._google.faults.take_for_call(method, "", "")
        await self._answer(faults, scope, receive, record_status)
        duration = round((time.perf_counter() - began) * 1000, 3)
        reason = faults[-1].kind if faults else ""
        self._google.calls.add(LoggedCall(moment, "", method, scope["path"], status, duration, reason))

    async def _answer(self, faults: list[Fault], scope: Scope, receive: Receive, send: Send) -> None:
        for fault in faults:
            if fault.kind == "slow":
                await asyncio.sleep(fault.delay.total_seconds())
            elif fault.kind == "drop":
                await close_connection(scope, receive)
                return
            elif fault.kind == "lost_response":
                await self._app(scope, receive, _discard)
                self._google.save()
                await close_connection(scope, receive)
                return
            else:
                await _error_response(fault)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _error_response(fault: Fault) -> JSONResponse:
    error = known_error(fault.kind, fault.status)
    return JSONResponse({"error": fault.kind, "error_description": error.message}, status_code=error.status)


async def _discard(_: Message) -> None:
    """Swallows an answer."""
