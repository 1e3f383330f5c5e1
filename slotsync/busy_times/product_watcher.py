"""Watch one product: check it whenever its account has changed, until the product has changed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from slotsync.busy_times.account_watcher import AccountWatcher
from slotsync.domain.availability.messages import WatchRequest, WatchResult

HEARTBEAT_INTERVAL: Final = timedelta(seconds=10)
"""The time between two heartbeats of a watch, and between two checks whether it has to end."""


class ProductCheck(NamedTuple):
    """A product at one moment, and when that is no longer true although nothing new was read."""

    watched: WatchResult
    expires_at: datetime | None


class ProductWatcher:
    """A watch of one product that ends at ``ends_at``, or when the ``shutdown`` of its worker begins."""

    def __init__(
        self,
        account: AccountWatcher,
        check: Callable[[], Awaitable[ProductCheck]],
        shutdown: "asyncio.Task[None]",
        ends_at: datetime,
        clock: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._check = check
        self._shutdown = shutdown
        self._ends_at = ends_at
        self._clock = clock

    async def run(self, request: WatchRequest) -> WatchResult:
        """Return the last check: one that gives the workflow something to do, or that of the watch's end."""
        while True:
            version = self._account.version
            check = await self._check()
            if check.watched.needs_action(request) or self._shutdown.done() or self._clock() >= self._ends_at:
                return check.watched
            await self._wait_until_due(version, check.expires_at or self._ends_at)

    async def _wait_until_due(self, version: int, expires_at: datetime) -> None:
        """Return when the product has to be checked again."""
        while (left := min(expires_at, self._ends_at) - self._clock()) > timedelta():
            if await self._wait_for_change(version, min(left, HEARTBEAT_INTERVAL)):
                return

    async def _wait_for_change(self, version: int, within: timedelta) -> bool:
        """Return whether the account has changed or the worker shuts down within this time."""
        change = asyncio.create_task(self._account.wait_for_change(version, within))
        try:
            await asyncio.wait({change, self._shutdown}, return_when=asyncio.FIRST_COMPLETED)
            return self._shutdown.done() or await change
        finally:
            change.cancel()
