"""Write events: calendars side by side, one event's writes in order."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.workflow import ActivityCancellationType, ActivityConfig, ActivityHandle

with workflow.unsafe.imports_passed_through():
    from activities.events import EventActivities
    from slotsync.domain.health import Blocker
    from slotsync.domain.reservations.event import WrittenEvent
    from slotsync.domain.reservations.messages import Action, BlockedEvent, Put
    from slotsync.domain.retry_delays import blocker_for_error
    from slotsync.temporal import queues

OVERDUE = timedelta(minutes=15)
"""When writes that are still being retried are shown: the UI cannot filter by retrying activities (ui issue 884)."""

_ATTEMPT = timedelta(seconds=75)
_SILENCE = timedelta(seconds=25)
"""Longer than a call to Google and its silent re-send may take; the activity heartbeats before each call."""

_UNTIL_IT_WORKS = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2))


async def carry_out(
    actions: Sequence[Action], priority: int, superseded: Callable[[], bool], overdue: Callable[[], None]
) -> list[BlockedEvent]:
    """Writes the events; answers with those that are held up.

    Once ``superseded``, what waits for its retry is called back, and what is in flight ends first: two writes to one
    event never overlap.
    """
    writes = {action.key: _start(action, priority) for action in actions}

    def ended() -> bool:
        return superseded() or all(write.done() for write in writes.values())

    try:
        await workflow.wait_condition(ended, timeout=OVERDUE, timeout_summary="Tell operators when writes take long")
    except TimeoutError:
        overdue()
        await workflow.wait_condition(ended)
    for write in writes.values():
        write.cancel()
    return [BlockedEvent(key=key, hold=hold) for key, write in writes.items() if (hold := await _end_of(write))]


def _start(action: Action, priority: int) -> ActivityHandle[WrittenEvent]:
    if isinstance(action, Put):
        options = _options(action.event.connection_id, priority, f"Put {action.key}, version {action.event.version}")
        return workflow.start_activity_method(EventActivities.put_event, action, **options)
    options = _options(action.written.connection_id, priority, f"Delete {action.key}")
    return workflow.start_activity_method(EventActivities.delete_event, action, **options)


def _options(connection_id: str, priority: int, summary: str) -> ActivityConfig:
    return ActivityConfig(
        task_queue=queues.GOOGLE,
        start_to_close_timeout=_ATTEMPT,
        heartbeat_timeout=_SILENCE,
        retry_policy=_UNTIL_IT_WORKS,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority=Priority(priority_key=priority, fairness_key=connection_id),
        summary=summary,
    )


async def _end_of(write: ActivityHandle[WrittenEvent]) -> Blocker | None:
    try:
        await write
    except ActivityError as error:
        return blocker_for_failure(error)
    return None


def blocker_for_failure(error: ActivityError) -> Blocker | None:
    """What an activity's end means; nothing when it was called back."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return None
    if isinstance(cause, ApplicationError):
        return blocker_for_error(cause.type or "", str(cause.details[0]) if cause.details else cause.type or "unknown")
    return blocker_for_error("", type(cause).__name__)
