"""Signal activities: signal our own workflows, page by page through the database, and subscribers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.availability.messages import AvailabilityChangedSignal, ProductKey
from slotsync.domain.calendars.messages import CalendarRequest, SignalRequest
from slotsync.domain.connections.messages import WaitingWorkRequest
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.subscribers import Subscribers
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.events_to_signal import EventsToSignal
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.soonest_first import StartPosition
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.heartbeats import heartbeating
from slotsync.temporal.signals import MAX_PARALLEL_SIGNALS, signal_availability, signal_calendar, signal_reservation

MAX_RESERVATIONS_PER_PAGE = 200

GRANT_SIGNAL_INTERVAL = timedelta(milliseconds=50)
"""The time between two signals of all work that goes on with a new grant, which is more urgent."""


class Pace:
    """Gives turns, one after the other, to all activities that signal: several merchants share the pace."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._lock = asyncio.Lock()

    async def wait_for_turn(self) -> None:
        """Return when a signal may be sent."""
        async with self._lock:
            await asyncio.sleep(self._interval.total_seconds())


@dataclass
class Progress:
    """The last reservation that was signalled, or its position, and how many were."""

    after: str = ""
    signalled: int = 0

    def advance(self, after: str) -> None:
        """Record that one more was signalled."""
        self.after, self.signalled = after, self.signalled + 1


@asynccontextmanager
async def track_progress() -> AsyncIterator[Progress]:
    """Yield the progress of earlier attempts, and send it with heartbeats until the block ends: turns may be rare."""
    progress = Progress(*activity.info().heartbeat_details)

    async with heartbeating(lambda: (progress.after, progress.signalled)):
        yield progress


class CalendarSignals:
    """Activity that signals the workflows of managed calendars."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._events = SyncedEvents(store)

    @activity.defn
    async def request_calendars(self, key: ReservationKey) -> None:
        """Start the workflows of the calendars that the reservation waits for, or signal the running ones."""
        owners = await asyncio.to_thread(self._events.find_waiting_owners, key.merchant, key.reservation)
        for start in range(0, len(owners), MAX_PARALLEL_SIGNALS):
            await asyncio.gather(
                *(
                    signal_calendar(self._client, CalendarRequest(merchant=key.merchant, owner=owner), "needed")
                    for owner in owners[start : start + MAX_PARALLEL_SIGNALS]
                )
            )


class ReservationSignals:
    """Activity that signals ``look_again`` to the reservations of an owner, page by page through the database.

    All its runs in a process share a ``pace``, with those of switches: other merchants' bookings find room between the
    rounds that they begin (measured on two cores by ``bench.backfill``: with 20 a second they took 2.6 times as long).
    """

    def __init__(self, client: Client, store: Store, pace: Pace) -> None:
        self._client = client
        self._calendars = ManagedCalendars(store)
        self._events = EventsToSignal(store)
        self._owners = Owners(store)
        self._pace = pace

    @activity.defn
    async def signal_reservations(self, request: SignalRequest) -> None:
        """Signal the reservations at a bounded pace, and record how many were and up to which revision.

        Each heartbeat says after which reservation to go on, should the activity be tried again.
        """
        async with track_progress() as progress:
            while page := await asyncio.to_thread(self._find_page, request, progress):
                for reservation in page:
                    key = ReservationKey(merchant=request.merchant, reservation=reservation)
                    await self._pace.wait_for_turn()
                    await signal_reservation(self._client, key)
                    progress.advance(reservation)
        if request.all_open:
            applied = self._owners.record_applied
            await asyncio.to_thread(applied, request.merchant, request.owner, request.revision, progress.signalled)

    def _find_page(self, request: SignalRequest, progress: Progress) -> list[str]:
        """Return the next reservations, and record the progress so far."""
        merchant, owner, all_open = request.merchant, request.owner, request.all_open
        (calendar,) = self._calendars.get_calendars(merchant, [owner])
        page = self._events.find(
            merchant, calendar, request.now, all_open=all_open, limit=MAX_RESERVATIONS_PER_PAGE, after=progress.after
        )
        if all_open:
            total = self._events.count(merchant, calendar, request.now, all_open=True)
            self._owners.record_signalled(merchant, owner, progress.signalled, max(total, progress.signalled))
        return page


class WaitingWork:
    """Activity that signals a merchant's work that waits for a grant, page by page through the database."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._store = store
        self._blocking_calendars = BlockingCalendars(store, vault)
        self._owners = Owners(store)
        self._products = WatchedProducts(store)
        self._reservations = Reservations(store, vault)
        self._pace = Pace(GRANT_SIGNAL_INTERVAL)

    @activity.defn
    async def signal_waiting_work(self, request: WaitingWorkRequest) -> int:
        """Signal what waits, or with ``all_open`` all that is open, at a bounded pace; return how many workflows.

        Reservations that start soonest are signalled first. Each heartbeat says after which one to go on, should the
        activity be tried again.
        """
        async with track_progress() as progress:
            if not progress.after:
                progress.signalled = await self._signal_owners(request)
            while page := await asyncio.to_thread(self._find_page, request, progress.after):
                for waiting in page:
                    key = ReservationKey(merchant=request.merchant, reservation=waiting.id)
                    await self._pace.wait_for_turn()
                    await signal_reservation(self._client, key)
                    progress.advance(waiting.text)
        return progress.signalled

    async def _signal_owners(self, request: WaitingWorkRequest) -> int:
        """Signal the calendars that wait, or all, and every product that calendars block, or did; return how many."""
        merchant = request.merchant
        owners = await asyncio.to_thread(self._owners.find_waiting, merchant, all_open=request.all_open)
        products = await asyncio.to_thread(self._find_products, merchant)
        for owner in owners:
            calendar = CalendarRequest(merchant=merchant, owner=owner)
            await self._pace.wait_for_turn()
            await signal_calendar(self._client, calendar, "look_again")
        for key in products:
            await self._pace.wait_for_turn()
            await signal_availability(self._client, key.merchant, key.product)
        return len(owners) + len(products)

    def _find_products(self, merchant: str) -> list[ProductKey]:
        """Return the products that calendars block, and those that have to know that none does any more."""
        due = (key for key in self._products.find_due(self._store.now()) if key.merchant == merchant)
        return list(dict.fromkeys((*self._blocking_calendars.find_products(merchant), *due)))

    def _find_page(self, request: WaitingWorkRequest, after: str) -> list[StartPosition]:
        return self._reservations.find_waiting(
            request.merchant, request.now, all_open=request.all_open, limit=MAX_RESERVATIONS_PER_PAGE, after=after
        )


_GONE: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT})
"""Temporal's answers for a workflow that has ended, and for one that has had as many signals as one run may have."""


class SubscriberSignals:
    """Activity that signals ``availability_changed``, about the last publication only."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._subscribers = Subscribers(store)

    @activity.defn
    async def signal_subscribers(self, key: ProductKey) -> int:
        """Signal the subscribers that do not know the last publication; return how many. Forget those that are gone.

        Raises:
            RPCError: some could not be signalled now; all others were.
        """
        number, behind = await asyncio.to_thread(self._subscribers.find_unsignalled, key)
        results = await asyncio.gather(*(self._signal(key, each, number) for each in behind), return_exceptions=True)
        for result in results:
            if result is not None:
                raise result
        return len(behind)

    async def _signal(self, key: ProductKey, workflow_id: str, number: int) -> None:
        signal = AvailabilityChangedSignal(merchant=key.merchant, product=key.product, number=number)
        try:
            await self._client.get_workflow_handle(workflow_id).signal("availability_changed", signal)
        except RPCError as error:
            if error.status not in _GONE:
                raise
            await asyncio.to_thread(self._subscribers.remove, key, workflow_id)
        else:
            await asyncio.to_thread(self._subscribers.record_signalled, key, workflow_id, number)
