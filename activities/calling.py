"""Calling workflows: a calendar's, some reservations by name, or all open ones of an owner by a batch of Temporal's."""

import asyncio
from collections.abc import Sequence

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.calling_all import call_all
from slotsync.rules.calendar_news import CalendarRequest
from slotsync.rules.message import Message
from slotsync.rules.owner import Owner
from slotsync.rules.workflow_ids import reservation_id
from slotsync.temporal.batch import BatchProgress
from slotsync.temporal.calendar_news import tell_calendar
from slotsync.temporal.visibility import quoted

AT_ONCE = 20


class Call(Message):
    """Reservations of one merchant that shall look again."""

    merchant: str
    reservations: tuple[str, ...]


class Backfill(Message):
    """All open reservations of an owner, to be called by the batch with this id."""

    merchant: str
    owner: Owner
    job_id: str


class CalendarRequests:
    """Tells calendars that they are needed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def need_calendar(self, request: CalendarRequest) -> None:
        """Starts the calendar's workflow, or tells the one that runs."""
        await tell_calendar(self._client, request, "needed")


class ReservationCalls:
    """Tells reservations to look again."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def call_reservations(self, call: Call) -> None:
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
