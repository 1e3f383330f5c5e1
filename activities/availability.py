"""Watching the availability of a product, and publishing what is new."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Final, TypeVar

from temporalio import activity

from activities.account_watches import AccountWatches
from activities.product_looks import ProductLooks
from activities.product_watch import Found, ProductWatch, SignsOfLife, Watched, WatchRequest
from slotsync.clock import utc_now
from slotsync.rules.availability_news import Publication, Subject
from slotsync.rules.changes import changed
from slotsync.store.publications import Publications

Done = TypeVar("Done")

LASTS: Final = timedelta(hours=12)
"""How long a watch goes on without anything new; then its workflow begins another."""


class AvailabilityActivities:
    """What a product's workflow lives on."""

    def __init__(
        self,
        watches: AccountWatches,
        looks: ProductLooks,
        publications: Publications,
        threads: Executor,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._watches = watches
        self._looks = looks
        self._publications = publications
        self._threads = threads
        self._clock = clock

    @activity.defn
    async def watch_busy(self, request: WatchRequest) -> Watched:
        """Returns once there is something to publish or to show; or after half a day, or when its worker stops."""
        leaving = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            async with SignsOfLife() as signs:
                return await self._watch(request, signs, leaving)
        finally:
            leaving.cancel()

    @activity.defn
    def publish_availability(self, subject: Subject) -> Publication:
        """Publishes what is new since the last time; the same for the same token."""
        now = self._clock()
        look = self._looks.look(subject.merchant, subject.product, now)
        return self._publications.publish(subject, look.availability, now)

    async def _watch(self, request: WatchRequest, signs: SignsOfLife, leaving: "asyncio.Task[None]") -> Watched:
        connection_id = await self._in_thread(lambda: self._looks.connection_id(request.merchant))
        if connection_id is None:
            return (await self._find(request)).watched
        async with self._watches.watching(connection_id) as account:
            signs.tells(account)
            ends_at = self._clock() + LASTS
            watch = ProductWatch(account, lambda: self._find(request), leaving, ends_at, self._clock)
            return await watch.run(request)

    async def _find(self, request: WatchRequest) -> Found:
        return await self._in_thread(lambda: self._found(request))

    def _found(self, request: WatchRequest) -> Found:
        look = self._looks.look(request.merchant, request.product, self._clock())
        told = self._publications.last(request.merchant, request.product)
        watched = Watched(
            calendars=look.calendars,
            changed=bool(changed(told, look.availability)),
            trouble=look.trouble,
            hold=look.hold,
        )
        return Found(watched, look.expires_at)

    async def _in_thread(self, do: Callable[[], Done]) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._threads, do)
