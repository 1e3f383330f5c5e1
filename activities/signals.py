"""Signal activities: tell workflows to look again, by name or by a batch of Temporal's."""

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
from slotsync.domain.reservations.messages import LookAgainRequest
from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.signals import batch_progress, quoted, signal_all, signal_calendar

LOOK = timedelta(milliseconds=200)
"""How often a batch is looked at; the first batch of a shop ends within a second."""


async def call_all(client: Client, query: str, *, job_id: str, reason: str) -> BatchProgress:
    """How many were told to look again. Heartbeats; a batch with this id that runs already is waited for."""
    progress = await batch_progress(client, job_id) or await _start(client, query, job_id, reason)
    while progress.running:
        activity.heartbeat(progress.done)
        await asyncio.sleep(LOOK.total_seconds())
        progress = await batch_progress(client, job_id) or progress
    return progress


async def _start(client: Client, query: str, job_id: str, reason: str) -> BatchProgress:
    found = (await client.count_workflows(query)).count
    if found and not await signal_all(client, query, "look_again", job_id=job_id, reason=reason):
        raise ApplicationError("Temporal has to end another batch first", type="BatchesBusy")
    return BatchProgress(total=found, done=0, failed=0, running=bool(found))


AT_ONCE = 20


class CalendarSignals:
    """Tells calendars that they are needed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def need_calendar(self, request: CalendarRequest) -> None:
        """Starts the calendar's workflow, or tells the one that runs."""
        await signal_calendar(self._client, request, "needed")


class ReservationSignals:
    """Tells reservations to look again."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def call_reservations(self, call: LookAgainRequest) -> None:
        """Signals each of them to look again; one that has closed meanwhile needs no call."""
        for start in range(0, len(call.reservations), AT_ONCE):
            activity.heartbeat(start)
            await self._call(call.merchant, call.reservations[start : start + AT_ONCE])

    @activity.defn
    async def call_all_reservations(self, backfill: Backfill) -> BatchProgress:
        """Signals every open reservation of the owner to look again; how many there were, once all have been told."""
        query = open_reservations_of(backfill.merchant, backfill.owner)
        reason = f"Back-fill of {backfill.owner}"
        return await call_all(self._client, query, job_id=backfill.job_id, reason=reason)

    async def _call(self, merchant: str, reservations: Sequence[str]) -> None:
        await asyncio.gather(*(self._look_again(reservation_id(merchant, each)) for each in reservations))

    async def _look_again(self, workflow_id: str) -> None:
        try:
            await self._client.get_workflow_handle(workflow_id).signal("look_again")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


def open_reservations_of(merchant: str, owner: Owner) -> str:
    """The visibility query that finds their workflows."""
    return (
        "WorkflowType = 'ReservationWorkflow' AND ExecutionStatus = 'Running'"
        f" AND SlotsyncMerchant = {quoted(merchant)} AND SlotsyncOwners = {quoted(str(owner))}"
    )


class ParkedWork:
    """Finds and calls what waits for a grant."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def count_parked(self, merchant: str) -> int:
        """How many workflows of the merchant are parked, as far as Temporal's visibility knows."""
        return await self._count(WakeRequest(merchant=merchant))

    @activity.defn
    async def wake(self, waking: WakeRequest) -> int:
        """How many workflows have been told to look again."""
        job_id = f"wake:{activity.info().workflow_run_id}:{activity.info().activity_id}"
        reason = f"The grant of {waking.merchant} has changed"
        return (await call_all(self._client, query_for(waking), job_id=job_id, reason=reason)).done

    async def _count(self, waking: WakeRequest) -> int:
        return (await self._client.count_workflows(query_for(waking))).count


def query_for(waking: WakeRequest) -> str:
    """The visibility query that finds them; the connection's own workflow is not meant."""
    whose = f"SlotsyncMerchant = {quoted(waking.merchant)} AND ExecutionStatus = 'Running'"
    parked = "" if waking.everyone else " AND SlotsyncHealth = 'parked'"
    return f"{whose}{parked} AND WorkflowType != 'ConnectionWorkflow'"
