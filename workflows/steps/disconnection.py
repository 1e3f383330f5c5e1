"""Disconnect a merchant: delete calendars if wanted, then give the grant back."""

from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError
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
    from slotsync.domain.connections.messages import CalendarDeletion, DisconnectionRequest
    from slotsync.temporal import queues

PATIENCE = timedelta(hours=24)
"""After that a calendar that cannot be deleted is left behind: the merchant's tokens are not kept for ever."""

_SHORT = timedelta(seconds=30)
_ATTEMPT = timedelta(seconds=75)
_RETRIES = RetryPolicy(maximum_interval=timedelta(minutes=5))


async def depart(merchant: str, calendars: CalendarChoice, interrupted: Callable[[], bool]) -> DisconnectionResult:
    """Takes the connection out of use, cleans up as asked, and forgets it; says what was left behind.

    Once ``interrupted``, since the merchant has connected again perhaps, no more is deleted.
    """
    departure = await workflow.execute_local_activity_method(
        DisconnectionActivities.begin_disconnection,
        DisconnectionRequest(merchant=merchant, now=workflow.now()),
        start_to_close_timeout=_SHORT,
    )
    if departure is None:
        return DisconnectionResult(notes=("There was no connection.",))
    deleted: list[Owner] = []
    if departure.alive and calendars is CalendarChoice.DELETE:
        deleted = await _delete(merchant, departure, interrupted)
    ended = False
    # Before there were channels to stop, the grant of a shared account was left alone.
    if departure.alive and not interrupted() and (not departure.shared or workflow.patched("stop-channels-of-shared")):
        ended = await _end_grant(departure)
    await workflow.execute_local_activity_method(
        DisconnectionActivities.finish_disconnection, departure.connection_id, start_to_close_timeout=_SHORT
    )
    return disconnection_result(departure, deleted, calendars, grant_ended=ended)


async def _delete(merchant: str, departure: Disconnection, interrupted: Callable[[], bool]) -> list[Owner]:
    """Deletes the calendars side by side; the owners of those that are gone."""
    connection_id = departure.connection_id
    deletions = {
        each.owner: _start(CalendarDeletion(merchant=merchant, connection_id=connection_id, calendar=each))
        for each in departure.calendars
    }
    await workflow.wait_condition(lambda: interrupted() or all(deletion.done() for deletion in deletions.values()))
    for deletion in deletions.values():
        deletion.cancel()
    return [owner for owner, deletion in deletions.items() if await _succeeded(deletion)]


def _start(deletion: CalendarDeletion) -> ActivityHandle[bool]:
    return workflow.start_activity_method(
        DisconnectionActivities.delete_calendar,
        deletion,
        task_queue=queues.GOOGLE,
        start_to_close_timeout=_ATTEMPT,
        schedule_to_close_timeout=PATIENCE,
        retry_policy=_RETRIES,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority=Priority(priority_key=2, fairness_key=deletion.connection_id),
        summary=f"Delete the calendar of {deletion.calendar.owner}",
    )


async def _succeeded(deletion: ActivityHandle[bool]) -> bool:
    try:
        return await deletion
    except ActivityError:
        return False


async def _end_grant(departure: Disconnection) -> bool:
    try:
        return await workflow.execute_activity_method(
            DisconnectionActivities.end_grant,
            departure.connection_id,
            task_queue=queues.GOOGLE,
            start_to_close_timeout=_ATTEMPT,
            schedule_to_close_timeout=timedelta(hours=1),
            retry_policy=_RETRIES,
            priority=Priority(priority_key=2, fairness_key=departure.connection_id),
            summary="End what Google tells us, and give the grant back",
        )
    except ActivityError:
        return False
