"""The bounds of requests: how many at once, of all and of each merchant, and for how long."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.api.documentation import MERCHANT
from starter.api.errors import retry_after
from starter.api.key_gate import presented_key
from starter.api.problems import UNAVAILABLE, ApiError, problem_response
from starter.api.shares import RETRY_AFTER_ONE_SECOND, TOO_MANY_AT_ONCE, CallerPlaces, refuse_for_now
from starter.services.places import Places

REQUEST_DEADLINE: Final = timedelta(seconds=40)
"""Longer than the longest confirmation; all other parts give up before, and say why."""

MAX_REQUESTS: Final = 400
"""Of the API, as many of pages, and as many of Google. Callers share them (``CallerPlaces``)."""

MAX_REQUESTS_PER_MERCHANT: Final = 8
"""Requests of one merchant that are worked on at once, in one process; more of them wait for each other, so that a
storm of them takes no more of the database and of this process than a few callers do."""

MAX_WAITING_PER_MERCHANT: Final = 92
"""With those that are worked on, a merchant has a quarter of the API's requests at most; less if others want many."""

MAX_WAIT: Final = timedelta(seconds=1.5)
"""For a place: with the time that Temporal may take, callers are still answered within ten seconds."""

OWN_LIMITS: Final = frozenset({("POST", f"{MERCHANT}/products/{{product}}/confirm")})
"""The methods and routes that wait for others, not for us, and have limits of their own."""

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


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
    """Middleware that answers 503 when too many requests are worked on: to the API, of its pages, or of Google.

    Bodies are read before it: who sends one slowly takes no place of those.
    """

    def __init__(self, app: ASGIApp, max_requests: int = MAX_REQUESTS) -> None:
        self._app = app
        self._places = CallerPlaces(max_requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it at once."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        with self._places.take(scope) as free:
            if free:
                await self._app(scope, receive, send)
                return
        await refuse_for_now(scope, receive, send)


class MerchantLimit:
    """Dependency of routes that works on a few requests of each merchant at once; more of them wait, or are refused.

    It comes after the check of the key: who has no permission for a merchant takes none of its places.
    """

    def __init__(
        self,
        max_requests: int = MAX_REQUESTS_PER_MERCHANT,
        max_waiting: int = MAX_WAITING_PER_MERCHANT,
        max_wait: timedelta = MAX_WAIT,
    ) -> None:
        self._max_requests = max_requests
        self._max_waiting = max_waiting
        self._max_wait = max_wait
        self._places = WeakValueDictionary[Hashable, asyncio.Semaphore]()
        self._waiting = Places()

    async def __call__(self, request: Request) -> AsyncIterator[None]:
        """Wait for a place for the request, and keep it until it is answered.

        Raises:
            ApiError: there was none in time, or too many wait.
        """
        if (request.method, request.scope["route"].path) in OWN_LIMITS:
            yield
            return
        subject = request.path_params.get("merchant") or ("key", presented_key(request).name)
        places = self._places.setdefault(subject, asyncio.Semaphore(self._max_requests))
        await self._wait(subject, places)
        try:
            yield
        finally:
            places.release()

    async def _wait(self, subject: Hashable, places: asyncio.Semaphore) -> None:
        too_many = ApiError(UNAVAILABLE, TOO_MANY_AT_ONCE, RETRY_AFTER_ONE_SECOND)
        with self._waiting.take({subject: self._max_waiting}) as may_wait:
            if not may_wait:
                raise too_many
            try:
                async with asyncio.timeout(self._max_wait.total_seconds()):
                    await places.acquire()
            except TimeoutError:
                raise too_many from None
