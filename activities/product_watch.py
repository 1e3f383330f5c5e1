"""One product's watch: it looks whenever something is new in its account, until that is news for the product."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple, Self

from temporalio import activity

from activities.account_watches import AccountWatch
from slotsync.rules.holding import Hold
from slotsync.rules.message import Message

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life."""


class WatchRequest(Message):
    """Which product to watch, and what is known of it, so that it is not told again.

    ``calendars`` is how many block it; ``trouble`` is what is in the way of reading some of them.
    """

    merchant: str
    product: str
    calendars: int = 0
    trouble: str = ""


class Watched(Message):
    """Why a watch ended.

    ``calendars`` is how many block the product; ``changed``: there is something to publish; ``trouble`` is why some of
    them cannot be read; with a ``hold`` none can until a person acts.
    """

    calendars: int
    changed: bool = False
    trouble: str = ""
    hold: Hold | None = None

    def is_news(self, request: WatchRequest) -> bool:
        """Whether the workflow has anything to do."""
        known = (self.calendars, self.trouble) == (request.calendars, request.trouble)
        return self.changed or not self.calendars or self.hold is not None or not known


class Found(NamedTuple):
    """What a look found, and when it is no longer true although nothing new was read."""

    watched: Watched
    expires_at: datetime | None


class SignsOfLife:
    """Shows that an activity is alive, and what it ``tells``, for as long as the block lasts.

    A thousand products that begin at once wait for each other, longer than one of them may be silent. The first sign
    is held back a little, until there is something to tell: the SDK sends the second one only when it must.
    """

    def __init__(self) -> None:
        self._told: object = "waiting for the first reading"
        self._has_told = asyncio.Event()

    def tells(self, what: object) -> None:
        """What it shows from now on, as it is by then."""
        self._told = what
        self._has_told.set()

    async def __aenter__(self) -> Self:
        self._showing = asyncio.create_task(self._show())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._showing.cancel()

    async def _show(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_told.wait(), HEARTBEAT)
        while True:
            activity.heartbeat(str(self._told))
            await asyncio.sleep(HEARTBEAT)


class ProductWatch:
    """Goes on until ``ends_at``, or until its worker is ``leaving``."""

    def __init__(
        self,
        account: AccountWatch,
        look: Callable[[], Awaitable[Found]],
        leaving: "asyncio.Task[None]",
        ends_at: datetime,
        clock: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._look = look
        self._leaving = leaving
        self._ends_at = ends_at
        self._clock = clock

    async def run(self, request: WatchRequest) -> Watched:
        """What the last look found."""
        while True:
            seen = self._account.version
            found = await self._look()
            if found.watched.is_news(request) or self._leaving.done() or self._clock() >= self._ends_at:
                return found.watched
            await self._quiet(seen, found.expires_at or self._ends_at)

    async def _quiet(self, seen: int, expires_at: datetime) -> None:
        """Returns when the product has to be looked at again."""
        while (left := (min(expires_at, self._ends_at) - self._clock()).total_seconds()) > 0:
            if await self._news(seen, min(left, HEARTBEAT)):
                return

    async def _news(self, seen: int, within: float) -> bool:
        news = asyncio.create_task(self._account.news(seen, within))
        try:
            await asyncio.wait({news, self._leaving}, return_when=asyncio.FIRST_COMPLETED)
            return self._leaving.done() or await news
        finally:
            news.cancel()
