"""The bodies of requests: how large they are, how long they may take, and how many are read of a caller at once."""

import asyncio
from datetime import timedelta
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.api.problems import TOO_LARGE, TOO_SLOW, problem_response
from starter.api.shares import CallerPlaces, refuse_for_now

MAX_BODY_BYTES: Final = 256 * 1024

BODY_TIMEOUT: Final = timedelta(seconds=20)

MAX_BODIES: Final = 1000
"""Of requests to the API that are read at once. Callers share them (``CallerPlaces``): one alone has 750."""

MAX_BODIES_WITHOUT_KEY: Final = 400
"""Of pages, and as many of Google: however many are sent slowly, the server can still take connections."""


class BodyLimit:
    """Middleware that reads bodies before anything is worked on: one that is slow holds up nobody.

    It refuses one that is too slow, or has more than ``MAX_BODY_BYTES`` whatever its Content-Length says, and those
    that are more at once than its caller may send.
    """

    def __init__(
        self,
        app: ASGIApp,
        timeout: timedelta = BODY_TIMEOUT,
        max_bodies: int = MAX_BODIES,
        max_without_key: int = MAX_BODIES_WITHOUT_KEY,
    ) -> None:
        self._app = app
        self._timeout = timeout
        self._places = CallerPlaces(max_bodies, max_without_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on once its whole body has arrived, or answer with status 408 or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                body = await self._read(scope, receive)
        except ClientDisconnect:
            return
        except TimeoutError:
            await _answer_slow_body(scope, receive, send)
            return
        except _TooManyBodiesError:
            await refuse_for_now(scope, receive, send, closing=True)
            return
        if body is None:
            await problem_response(TOO_LARGE, "A body may have at most 256 kB.")(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, receive_whole, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the body, or None if it is too large.

        Raises:
            _TooManyBodiesError: too many bodies of the caller are being read.
        """
        if not _announces_body(Headers(scope=scope)):
            return await _read_body(scope, receive)
        with self._places.take(scope) as free:
            if not free:
                raise _TooManyBodiesError
            return await _read_body(scope, receive)


class _TooManyBodiesError(Exception):
    """Too many bodies of one caller are being read."""


def _announces_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


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
