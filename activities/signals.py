"""Signal activities: signal workflows by their ids, or by a batch operation of Temporal's."""

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from slotsync.domain.calendars.messages import BatchProgress, CalendarRequest, SignalRequest
from slotsync.domain.connections.messages import WakeRequest
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.signals import (
    get_batch_progress,
    quote_value,
    signal_calendar,
    signal_reservation,
    start_batch_signal,
)

BATCH_CHECK_INTERVAL = timedelta(milliseconds=200)
"""The time between two reads of a batch operation's progress; the first batch of a merchant ends within a second."""

MAX_PARALLEL_SIGNALS = 20

MAX_RESERVATIONS_PER_PAGE = 200

SIGNAL_INTERVAL = timedelta(milliseconds=50)
"""The time between two signals of a back-fill: other merchants' bookings find room between its rounds."""


async def run_signal_batch(client: Client, query: str, *, job_id: str, reason: str) -> BatchProgress:
    """Signal ``look_again`` to all workflows that the query finds, with heartbeats, and return how many there were.

    A batch with this id that runs already is not started again, but waited for.

    Raises:
        ApplicationError: Temporal has to end another batch first.
    """
    progress = await get_batch_progress(client, job_id) or await _start(client, query, job_id, reason)
    while progress.running:
        activity.heartbeat(progress.done)
        await asyncio.sleep(BATCH_CHECK_INTERVAL.total_seconds())
        progress = await get_batch_progress(client, job_id) or progress
    return progress


async def _start(client: Client, query: str, job_id: str, reason: str) -> BatchProgress:
    total = (await client.count_workflows(query)).count
    if total and not await start_batch_signal(client, query, "look_again", job_id=job_id, reason=reason):
        raise ApplicationError("Temporal has to end another batch first", type="BatchesBusy")
    return BatchProgress(total=total, done=0, failed=0, running=bool(total))


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
    """Activity that signals ``look_again`` to the reservations of an owner, page by page through the database."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._calendars = ManagedCalendars(store)
        self._events = SyncedEvents(store)
        self._owners = Owners(store)

    @activity.defn(name="call_reservations")
    async def signal_reservations(self, request: SignalRequest) -> None:
        """Signal the reservations at a bounded pace, and record how many were and up to which revision.

        Each heartbeat says after which reservation to go on, should the activity be tried again.
        """
        after, signalled = _heartbeat_details()
        while page := await asyncio.to_thread(self._find_page, request, after, signalled):
            for reservation in page:
                key = ReservationKey(merchant=request.merchant, reservation=reservation)
                await asyncio.gather(
                    signal_reservation(self._client, key), asyncio.sleep(SIGNAL_INTERVAL.total_seconds())
                )
                after, signalled = reservation, signalled + 1
                activity.heartbeat(after, signalled)
        if request.everyone:
            await asyncio.to_thread(
                self._owners.record_applied, request.merchant, request.owner, request.revision, signalled
            )

    def _find_page(self, request: SignalRequest, after: str, signalled: int) -> list[str]:
        """Return the next reservations, and record the progress so far."""
        merchant, owner, everyone = request.merchant, request.owner, request.everyone
        (calendar,) = self._calendars.get_calendars(merchant, [owner])
        page = self._events.find_to_signal(
            merchant, calendar, request.now, everyone=everyone, limit=MAX_RESERVATIONS_PER_PAGE, after=after
        )
        if everyone:
            total = self._events.count_to_signal(merchant, calendar, request.now, everyone=True)
            self._owners.record_signalled(merchant, owner, signalled, max(total, signalled))
        return page


def _heartbeat_details() -> tuple[str, int]:
    """Return the last reservation that was signalled, and how many were."""
    after, signalled = activity.info().heartbeat_details or ("", 0)
    return str(after), int(signalled)


class ParkedWork:
    """Activities that count and signal the workflows that wait for a grant."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def count_parked(self, merchant: str) -> int:
        """Return how many workflows of the merchant are parked, as far as Temporal's visibility knows."""
        return (await self._client.count_workflows(parked_work_query(WakeRequest(merchant=merchant)))).count

    @activity.defn
    async def wake(self, request: WakeRequest) -> int:
        """Signal ``look_again`` to the merchant's parked workflows, or to all of them, and return how many."""
        job_id = f"wake:{activity.info().workflow_run_id}:{activity.info().activity_id}"
        reason = f"The grant of {request.merchant} has changed"
        query = parked_work_query(request)
        return (await run_signal_batch(self._client, query, job_id=job_id, reason=reason)).done


def parked_work_query(request: WakeRequest) -> str:
    """Return the visibility query that finds the workflows to wake, without that of the connection itself."""
    running = f"SlotsyncMerchant = {quote_value(request.merchant)} AND ExecutionStatus = 'Running'"
    parked = "" if request.everyone else " AND SlotsyncHealth = 'parked'"
    return f"{running}{parked} AND WorkflowType != 'ConnectionWorkflow'"
