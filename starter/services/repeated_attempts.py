"""Attempts in the background that are repeated until they succeed, or until this process ends."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

RETRY_DELAY = timedelta(seconds=2)
"""The time between two tries to signal a new grant, or to store one, while Temporal or the database does not answer."""


class RepeatedAttempts:
    """Attempts that are under way."""

    def __init__(self) -> None:
        self._tasks = set[asyncio.Task[None]]()

    def add(self, attempt: Callable[[], Awaitable[bool]]) -> None:
        """Try again in the background until the attempt returns true."""
        task = asyncio.create_task(_repeat_until_done(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _repeat_until_done(attempt: Callable[[], Awaitable[bool]]) -> None:
    done = False
    while not done:
        await asyncio.sleep(RETRY_DELAY.total_seconds())
        done = await attempt()
