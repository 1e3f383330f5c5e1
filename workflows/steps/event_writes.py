"""Write events: calendars side by side, one event's writes in order."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityCancellationType, ActivityConfig, ActivityHandle

with workflow.unsafe.imports_passed_through():
    from activities.events import EventActivities
    from slotsync.domain.health import OVERDUE_WRITE, Blocker
    from slotsync.domain.reservations.event import EventKey
    from slotsync.domain.reservations.messages import (
        BlockedEvent,
        EventRequest,
        PlannedWrite,
        ReservationKey,
        RoundPlan,
        WriteKind,
        WriteResult,
    )
    from slotsync.temporal import queues
    from slotsync.temporal.queues import google_priority
    from workflows.steps.lifecycle import blocker_for_failure

OVERDUE_WRITE_TIMEOUT = timedelta(minutes=15)
"""When writes that are still retried show in the health: the UI cannot filter by retrying activities (ui issue 884)."""

_ATTEMPT_TIMEOUT = timedelta(seconds=75)
_HEARTBEAT_TIMEOUT = timedelta(seconds=25)
"""Longer than a call to Google and its silent re-send may take; the activity heartbeats before each call."""

_RETRY_POLICY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2))

Writes = Mapping[EventKey, ActivityHandle[WriteResult]]


async def write_events(  # noqa: PLR0913, PLR0917  the writes, and what is said of them meanwhile
    key: ReservationKey,
    plan: RoundPlan,
    priority: int,
    is_superseded: Callable[[], bool],
    report_overdue: Callable[[], None],
    note_stop: Callable[[], None],
) -> list[BlockedEvent]:
    """Write the events of a wave, and return those that are blocked.

    Once superseded, writes that wait for their retry are cancelled, and writes in flight end first: two writes to one
    event never overlap. If further waves wait, overdue writes make way for them, and are blocked.

    Raises:
        CancelledError: the workflow was cancelled; no write is in flight any more.
    """
    writes = {each.key: _start(key, plan, each, priority) for each in plan.writes}

    def ended() -> bool:
        return is_superseded() or all(write.done() for write in writes.values())

    try:
        overdue = await _wait_for_end(ended, report_overdue, give_way=plan.more)
    except asyncio.CancelledError:
        note_stop()
        await _end_all(writes, None)
        raise
    return await _end_all(writes, overdue)


async def _wait_for_end(
    ended: Callable[[], bool], report_overdue: Callable[[], None], *, give_way: bool
) -> Blocker | None:
    """Wait until the writes have ended, and return None; or what blocks them if they are overdue and ``give_way``."""
    try:
        await workflow.wait_condition(
            ended, timeout=OVERDUE_WRITE_TIMEOUT, timeout_summary="Show operators that writes take long"
        )
    except TimeoutError:
        report_overdue()
        if not give_way:
            await workflow.wait_condition(ended)
        return OVERDUE_WRITE
    return None


async def _end_all(writes: Writes, if_cancelled: Blocker | None) -> list[BlockedEvent]:
    """Cancel the writes that wait for their retry, wait for those in flight, and return the blocked events."""
    for write in writes.values():
        write.cancel()
    return [
        BlockedEvent(key=key, blocker=blocker)
        for key, write in writes.items()
        if (blocker := await _blocker(write, if_cancelled))
    ]


def _start(key: ReservationKey, plan: RoundPlan, write: PlannedWrite, priority: int) -> ActivityHandle[WriteResult]:
    assert plan.version is not None
    request = EventRequest(**dict(key), key=write.key, version=plan.version)
    options = ActivityConfig(
        task_queue=queues.GOOGLE,
        start_to_close_timeout=_ATTEMPT_TIMEOUT,
        heartbeat_timeout=_HEARTBEAT_TIMEOUT,
        retry_policy=_RETRY_POLICY,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority=google_priority(priority, write.connection_id, write.calls),
        summary=f"{write.kind.capitalize()} {write.key}, version {plan.version}",
    )
    if write.kind is WriteKind.PUT:
        return workflow.start_activity_method(EventActivities.put_event, request, **options)
    if write.kind is WriteKind.LOOK:
        return workflow.start_activity_method(EventActivities.delete_restored, request, **options)
    return workflow.start_activity_method(EventActivities.delete_event, request, **options)


async def _blocker(write: ActivityHandle[WriteResult], if_cancelled: Blocker | None) -> Blocker | None:
    try:
        await write
    except ActivityError as error:
        return blocker_for_failure(error) or if_cancelled
    return None
