"""Signal activities: signal workflows by their ids, or by a batch operation of Temporal's."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.calendars.messages import Backfill, BatchProgress, CalendarRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.messages import WakeRequest
from slotsync.domain.reservations.messages import LookAgainRequest, ReservationKey
from slotsync.domain.workflow_ids import reservation_id
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.signals import get_batch_progress, quote_value, signal_calendar, start_batch_signal

BATCH_CHECK_INTERVAL = timedelta(milliseconds=200)
"""The time between two reads of a batch operation's progress; the first batch of a merchant ends within a second."""

MAX_PARALLEL_SIGNALS = 20


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
    """Activities that signal ``look_again`` to reservations' workflows."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn(name="call_reservations")
    async def signal_reservations(self, request: LookAgainRequest) -> None:
        """Signal each reservation; one that has closed meanwhile needs no signal."""
        for start in range(0, len(request.reservations), MAX_PARALLEL_SIGNALS):
            activity.heartbeat(start)
            await self._signal_all(request.merchant, request.reservations[start : start + MAX_PARALLEL_SIGNALS])

    @activity.defn(name="call_all_reservations")
    async def signal_all_reservations(self, backfill: Backfill) -> BatchProgress:
        """Signal every open reservation of the owner, and return how many there were."""
        query = open_reservations_query(backfill.merchant, backfill.owner)
        reason = f"Back-fill of {backfill.owner}"
        return await run_signal_batch(self._client, query, job_id=backfill.job_id, reason=reason)

    async def _signal_all(self, merchant: str, reservations: Sequence[str]) -> None:
        await asyncio.gather(*(self._signal(reservation_id(merchant, each)) for each in reservations))

    async def _signal(self, workflow_id: str) -> None:
        try:
            await self._client.get_workflow_handle(workflow_id).signal("look_again")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


def open_reservations_query(merchant: str, owner: Owner) -> str:
    """Return the visibility query that finds the workflows of the owner's open reservations."""
    return (
        "WorkflowType = 'ReservationWorkflow' AND ExecutionStatus = 'Running'"
        f" AND SlotsyncMerchant = {quote_value(merchant)} AND SlotsyncOwners = {quote_value(str(owner))}"
    )


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
