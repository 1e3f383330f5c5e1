"""The middleware of every route: body limit and security headers."""

import asyncio
from datetime import timedelta
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.api.problems import TOO_LARGE, TOO_SLOW, problem_response

PROTECTED: Final = "/v1"
"""The path below which every address needs an API key."""

MAX_BODY_BYTES: Final = 256 * 1024


BODY_TIMEOUT: Final = timedelta(seconds=20)


class BodyLimit:
    """Middleware that refuses a slow body, or one of more than ``MAX_BODY_BYTES`` whatever its Content-Length says."""

    def __init__(self, app: ASGIApp, timeout: timedelta = BODY_TIMEOUT) -> None:
        self._app = app
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that is counted while it is read, or answer with status 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            await problem_response(TOO_LARGE, "A body may have at most 256 kB.")(scope, receive, send)
            return
        await self._app(scope, _LimitedBody(receive, self._timeout), send)


class _LimitedBody:
    def __init__(self, receive: Receive, timeout: timedelta) -> None:
        self._receive = receive
        self._due_at = asyncio.get_running_loop().time() + timeout.total_seconds()
        self._bytes_read = 0
        self._complete = False

    async def __call__(self) -> Message:
        try:
            async with asyncio.timeout_at(None if self._complete else self._due_at):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(TOO_SLOW.status, headers={"Connection": "close"}) from None
        self._complete = not message.get("more_body", False)
        self._bytes_read += len(message.get("body", b""))
        if self._bytes_read > MAX_BODY_BYTES:
            raise HTTPException(TOO_LARGE.status)
        return message


_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Middleware that adds the security headers that a response does not set itself."""

    def __init__(self, app: ASGIApp, *, over_https: bool) -> None:
        self._app = app
        strict_transport = {"Strict-Transport-Security": "max-age=31536000"} if over_https else {}
        self._headers = {**_SECURITY_HEADERS, **strict_transport}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers to its response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
