"""Watch one product: look at it whenever its account changed, until the product has changed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, NamedTuple

from slotsync.busy_times.account_watcher import AccountWatcher
from slotsync.domain.availability.messages import Watched, WatchRequest

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life."""


class Found(NamedTuple):
    """What a look found, and when it is no longer true although nothing new was read."""

    watched: Watched
    expires_at: datetime | None


class ProductWatcher:
    """Goes on until ``ends_at``, or until its worker is ``leaving``."""

    def __init__(
        self,
        account: AccountWatcher,
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
