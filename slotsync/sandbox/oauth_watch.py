"""Faults and the log of calls, for Google's OAuth endpoints."""

import asyncio
import time

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotsync.sandbox.api_error import known_error
from slotsync.sandbox.calls import LoggedCall
from slotsync.sandbox.connection import hang_up
from slotsync.sandbox.faults import Fault
from slotsync.sandbox.local_google import LocalGoogle

METHODS = {
    "/o/oauth2/v2/auth": "oauth2.auth",
    "/token": "oauth2.token",
    "/revoke": "oauth2.revoke",
    "/oauth2/v3/userinfo": "oauth2.userinfo",
}


class OAuthWatch:
    """Lets the OAuth endpoints fail as told, and writes down their calls."""

    def __init__(self, app: ASGIApp, google: LocalGoogle) -> None:
        self._app = app
        self._google = google

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is no call of OAuth, and most of what is."""
        method = METHODS.get(scope["path"]) if scope["type"] == "http" else None
        if method is None:
            await self._app(scope, receive, send)
            return
        began, moment, status = time.perf_counter(), self._google.clock(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        faults = self._google.faults.of_call(method, "", "")
        await self._answer(faults, scope, receive, noting)
        duration = round((time.perf_counter() - began) * 1000, 3)
        reason = faults[-1].kind if faults else ""
        self._google.calls.add(LoggedCall(moment, "", method, scope["path"], status, duration, reason))

    async def _answer(self, faults: list[Fault], scope: Scope, receive: Receive, send: Send) -> None:
        for fault in faults:
            if fault.kind == "slow":
                await asyncio.sleep(fault.delay.total_seconds())
            elif fault.kind == "drop":
                await hang_up(scope, receive)
                return
            elif fault.kind == "lost_response":
                await self._app(scope, receive, _nowhere)
                self._google.save()
                await hang_up(scope, receive)
                return
            else:
                await _error(fault)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _error(fault: Fault) -> JSONResponse:
    error = known_error(fault.kind, fault.status)
    return JSONResponse({"error": fault.kind, "error_description": error.message}, status_code=error.status)


async def _nowhere(_: Message) -> None:
    """Swallows an answer."""
