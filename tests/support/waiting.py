"""Wait until a condition is true, in async code and in threads."""

import asyncio
import time
from collections.abc import Awaitable, Callable

SHORTEST_INTERVAL = 0.03
LONGEST_INTERVAL = 0.3


async def until(
    condition: Callable[[], Awaitable[bool]], within: float = 120, poll_interval: float | None = None
) -> None:
    """Wait until the condition is true; check it every ``poll_interval`` seconds, else the more rarely the longer."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while not await condition():
            waited = time.monotonic() - began
            usual = min(max(SHORTEST_INTERVAL, waited / 10), LONGEST_INTERVAL)
            await asyncio.sleep(usual if poll_interval is None else poll_interval)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait in a thread until the condition is true, for at most 10 seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.002)
