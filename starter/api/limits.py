"""The middleware that bounds requests: how many at once, of all and of each merchant, and for how long."""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.api.errors import retry_after
from starter.api.middleware import PROTECTED
from starter.api.problems import UNAVAILABLE, problem_response

REQUEST_DEADLINE: Final = timedelta(seconds=40)
"""Longer than the longest confirmation; all other parts give up before, and say why."""

MAX_REQUESTS: Final = 400
"""Of the API, and as many of pages: who has no key cannot take the places of those who have one."""

MAX_REQUESTS_PER_MERCHANT: Final = 8
"""Requests of one merchant that are worked on at once, in one process; more of them wait for each other, so that a
storm of them takes no more of the database and of this process than a few callers do."""

MAX_WAIT: Final = timedelta(seconds=1.5)
"""For a place: with the time that Temporal may take, callers are still answered within ten seconds."""

OWN_LIMITS: Final = ("/confirm",)
"""The ends of routes that wait for others, not for us, and have limits of their own."""

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})

_OF_MERCHANT = re.compile(rf"{PROTECTED}/merchants/([^/]+)/.*")


class RequestDeadline:
    """Middleware that answers 503 when a request was not answered in time, and ends the work on it."""

    def __init__(self, app: ASGIApp, deadline: timedelta = REQUEST_DEADLINE) -> None:
        self._app = app
        self._deadline = deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, for as long as it may take."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        limit = asyncio.timeout(self._deadline.total_seconds())
        try:
            async with limit:
                await self._app(scope, receive, send_noticed)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            detail = "This took too long; try again. Repeating is always safe."
            await problem_response(UNAVAILABLE, detail, headers=retry_after(timedelta(seconds=5)))(scope, receive, send)


class RequestLimit:
    """Middleware that works on a few requests of each merchant at once, and answers 503 when there are too many."""

    def __init__(
        self,
        app: ASGIApp,
        max_requests: int = MAX_REQUESTS,
        max_requests_per_merchant: int = MAX_REQUESTS_PER_MERCHANT,
        max_wait: timedelta = MAX_WAIT,
    ) -> None:
        self._app = app
        self._max_requests = max_requests
        self._max_requests_per_merchant = max_requests_per_merchant
        self._max_wait = max_wait
        self._places = WeakValueDictionary[str, asyncio.Semaphore]()
        self._requests = Counter[bool]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, once it is its turn."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        has_key = "api_key" in scope.get("state", {})
        if self._requests[has_key] >= self._max_requests:
            await _refuse(scope, receive, send)
            return
        self._requests[has_key] += 1
        try:
            await self._pass_on(scope, receive, send)
        finally:
            self._requests[has_key] -= 1

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on once its merchant has a place for it, or refuse it."""
        merchant = _OF_MERCHANT.fullmatch(scope["path"])
        if not merchant or scope["path"].endswith(OWN_LIMITS):
            await self._app(scope, receive, send)
            return
        places = self._places.setdefault(merchant.group(1), asyncio.Semaphore(self._max_requests_per_merchant))
        try:
            async with asyncio.timeout(self._max_wait.total_seconds()):
                await places.acquire()
        except TimeoutError:
            await _refuse(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            places.release()


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    later = retry_after(timedelta(seconds=1))
    await problem_response(UNAVAILABLE, "Too many requests at once; try again.", headers=later)(scope, receive, send)
