"""The middleware of every route: body limit and security headers."""

import asyncio
from datetime import timedelta
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.api.problems import TOO_LARGE, TOO_SLOW, problem_response

PROTECTED: Final = "/v1"
"""The path below which every address needs an API key."""

MAX_BODY_BYTES: Final = 256 * 1024

BODY_TIMEOUT: Final = timedelta(seconds=20)


class BodyLimit:
    """Middleware that reads bodies before anything is worked on: one that is slow holds up nobody.

    It refuses one that is too slow, or has more than ``MAX_BODY_BYTES`` whatever its Content-Length says.
    """

    def __init__(self, app: ASGIApp, timeout: timedelta = BODY_TIMEOUT) -> None:
        self._app = app
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on once its whole body has arrived, or answer with status 408 or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                body = await _read_body(scope, receive)
        except ClientDisconnect:
            return
        except TimeoutError:
            await _answer_slow_body(scope, receive, send)
            return
        if body is None:
            await problem_response(TOO_LARGE, "A body may have at most 256 kB.")(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, receive_whole, send)


async def _answer_slow_body(scope: Scope, receive: Receive, send: Send) -> None:
    detail, closing = "A body has to arrive within 20 seconds.", {"Connection": "close"}
    await problem_response(TOO_SLOW, detail, headers=closing)(scope, receive, send)


async def _read_body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body, or None if it is too large."""
    length = Headers(scope=scope).get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    async for piece in Request(scope, receive).stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


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
