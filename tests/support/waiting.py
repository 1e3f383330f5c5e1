"""Wait until a condition is true, in async code and in threads."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool]], within: float = 120, poll_interval: float = 0.05) -> None:
    """Wait until the condition is true; check it every ``poll_interval`` seconds."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110  the world outside has no event to wait for
            await asyncio.sleep(poll_interval)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait in a thread until the condition is true, for at most 10 seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.002)
