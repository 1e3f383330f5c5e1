"""Calls to Google while somebody waits: in threads of their own, a few of each merchant at once, within a deadline."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from slotsync.errors import Transient

MAX_CALLS: Final = 16
MAX_CALLS_PER_MERCHANT: Final = 3
"""So that the pages of one merchant never take all threads from the others while Google is slow."""

DEADLINE: Final = timedelta(seconds=12)
"""Longer than one call of Google's client may take, and shorter than people wait."""

Result = TypeVar("Result")


class GoogleCalls:
    """Runs functions that call Google. A call that is too late goes on by itself, and keeps its place until it ends."""

    def __init__(
        self,
        max_calls: int = MAX_CALLS,
        max_calls_per_merchant: int = MAX_CALLS_PER_MERCHANT,
        deadline: timedelta = DEADLINE,
    ) -> None:
        self._threads = ThreadPoolExecutor(max_calls, thread_name_prefix="google")
        self._places = asyncio.Semaphore(max_calls)
        self._max_calls_per_merchant = max_calls_per_merchant
        self._places_of_merchants = WeakValueDictionary[str, asyncio.Semaphore]()
        self._deadline = deadline

    async def run(self, merchant: str, function: Callable[[], Result]) -> Result:
        """Return what the function returns, which is called in a thread.

        Raises:
            Transient: there was no place, or no answer, in time.
        """
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                place = await self._take_place(merchant)
                running = asyncio.get_running_loop().run_in_executor(self._threads, function)
                running.add_done_callback(lambda ended: self._end(ended, place))
                return await asyncio.shield(running)
        except TimeoutError:
            raise Transient("Google answers too slowly now; try again", reason="too_slow") from None

    def close(self) -> None:
        """End the threads, once their calls have ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _take_place(self, merchant: str) -> asyncio.Semaphore:
        """Return the merchant's semaphore, once there is a place for it in that and among all."""
        own = self._places_of_merchants.setdefault(merchant, asyncio.Semaphore(self._max_calls_per_merchant))
        await own.acquire()
        try:
            await self._places.acquire()
        except BaseException:
            own.release()
            raise
        return own

    def _end(self, ended: "asyncio.Future[Result]", place: asyncio.Semaphore) -> None:
        self._places.release()
        place.release()
        if not ended.cancelled():
            ended.exception()  # perhaps nobody waits for it any more
