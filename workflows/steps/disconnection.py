"""Disconnect a merchant: delete calendars if wanted, then give the grant back."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType, ActivityHandle

with workflow.unsafe.imports_passed_through():
    from activities.connections import DisconnectionActivities
    from slotsync.domain.calendars.owner import Owner
    from slotsync.domain.connections.disconnection import (
        CalendarChoice,
        Disconnection,
        DisconnectionResult,
        disconnection_result,
    )
    from slotsync.domain.connections.messages import CalendarDeletion, ConnectionRequest, DisconnectionEnd
    from slotsync.temporal import queues
    from slotsync.temporal.queues import google_priority
    from workflows.steps.lifecycle import LOCAL_ACTIVITY_TIMEOUT

CALENDAR_DELETION_TIMEOUT = timedelta(hours=24)
"""A calendar that cannot be deleted by then is left behind: the merchant's tokens are not kept for ever."""

_ATTEMPT_TIMEOUT = timedelta(seconds=75)
_GRANT_REVOCATION_TIMEOUT = timedelta(hours=1)
_RETRY_POLICY = RetryPolicy(maximum_interval=timedelta(minutes=5))


@dataclass
class CalendarEnds:
    """The owners of calendars that were to be deleted: of those that are deleted, and of those out of reach."""

    deleted: set[Owner] = field(default_factory=set)
    out_of_reach: set[Owner] = field(default_factory=set)

    def add(self, owner: Owner, *, deleted: bool | None) -> None:
        """Add a result of ``delete_calendar``."""
        if deleted is None:
            self.out_of_reach.add(owner)
        elif deleted:
            self.deleted.add(owner)


async def disconnect_merchant(
    merchant: str,
    calendars: CalendarChoice,
    ends: CalendarEnds,
    is_interrupted: Callable[[], bool],
    *,
    leave_calendars: bool = False,
) -> DisconnectionResult | None:
    """Clean up as the merchant chose, forget the connection, and return what was left behind.

    Return None once interrupted, because the merchant may have connected again, or chosen otherwise: then nothing more
    is deleted. What becomes of calendars that are to be deleted is added to ``ends``.

    Raises:
        CancelledError: an operator cancelled the workflow; deletions in flight have ended.
    """
    disconnection = await workflow.execute_local_activity_method(
        DisconnectionActivities.begin_disconnection,
        ConnectionRequest(merchant=merchant),
        start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
    )
    if disconnection is None:
        return None
    if disconnection.alive and calendars is CalendarChoice.DELETE and not leave_calendars:
        await _delete_calendars(merchant, disconnection, ends, is_interrupted)
    if is_interrupted():
        return None
    ended = disconnection.alive and await _end_grant(disconnection)
    await workflow.execute_local_activity_method(
        DisconnectionActivities.finish_disconnection,
        DisconnectionEnd(
            connection_id=disconnection.connection_id,
            calendars=calendars,
            grant_ended=ended,
            stopped=leave_calendars and calendars is CalendarChoice.DELETE,
        ),
        start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
    )
    return disconnection_result(
        disconnection, ends.deleted, calendars, grant_ended=ended, out_of_reach=ends.out_of_reach
    )


async def _delete_calendars(
    merchant: str, disconnection: Disconnection, ends: CalendarEnds, is_interrupted: Callable[[], bool]
) -> None:
    """Delete the calendars side by side."""
    connection_id = disconnection.connection_id
    deletions = {
        each.owner: _start(CalendarDeletion(merchant=merchant, connection_id=connection_id, calendar=each))
        for each in disconnection.calendars
    }
    try:
        await workflow.wait_condition(
            lambda: is_interrupted() or all(deletion.done() for deletion in deletions.values())
        )
    except asyncio.CancelledError:
        await _end_all(deletions, ends)
        raise
    await _end_all(deletions, ends)


async def _end_all(deletions: Mapping[Owner, ActivityHandle[bool | None]], ends: CalendarEnds) -> None:
    for deletion in deletions.values():
        deletion.cancel()
    for owner, deletion in deletions.items():
        ends.add(owner, deleted=await _result(deletion))


def _start(deletion: CalendarDeletion) -> ActivityHandle[bool | None]:
    return workflow.start_activity_method(
        DisconnectionActivities.delete_calendar,
        deletion,
        task_queue=queues.GOOGLE,
        start_to_close_timeout=_ATTEMPT_TIMEOUT,
        schedule_to_close_timeout=CALENDAR_DELETION_TIMEOUT,
        retry_policy=_RETRY_POLICY,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority=google_priority(2, deletion.connection_id, calls=2),
        summary=f"Delete the calendar of {deletion.calendar.owner}",
    )


async def _result(deletion: ActivityHandle[bool | None]) -> bool | None:
    try:
        return await deletion
    except ActivityError:
        return False


async def _end_grant(disconnection: Disconnection) -> bool:
    try:
        return await workflow.execute_activity_method(
            DisconnectionActivities.end_grant,
            disconnection.connection_id,
            task_queue=queues.GOOGLE,
            start_to_close_timeout=_ATTEMPT_TIMEOUT,
            schedule_to_close_timeout=_GRANT_REVOCATION_TIMEOUT,
            retry_policy=_RETRY_POLICY,
            priority=google_priority(2, disconnection.connection_id),
            summary="Stop push notifications, and revoke the grant",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return False
