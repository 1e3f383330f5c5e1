"""Send an activity's heartbeats while it works."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from temporalio import activity

HEARTBEAT_INTERVAL: Final = timedelta(seconds=2)


@asynccontextmanager
async def heartbeating(get_details: Callable[[], Sequence[object]] = tuple) -> AsyncIterator[None]:
    """Send heartbeats, each with the details of that moment, until the block ends."""

    async def send() -> None:
        while True:
            activity.heartbeat(*get_details())
            await asyncio.sleep(HEARTBEAT_INTERVAL.total_seconds())

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()
