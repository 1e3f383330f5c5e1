"""Write events: calendars side by side, one event's writes in order."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.workflow import ActivityCancellationType, ActivityConfig, ActivityHandle

with workflow.unsafe.imports_passed_through():
    from activities.events import EventActivities
    from slotsync.domain.health import Blocker, blocker_for_error
    from slotsync.domain.reservations.event import WrittenEvent
    from slotsync.domain.reservations.messages import Action, BlockedEvent, Put
    from slotsync.temporal import queues

OVERDUE_WRITE_TIMEOUT = timedelta(minutes=15)
"""When writes that are still retried show in the health: the UI cannot filter by retrying activities (ui issue 884)."""

_ATTEMPT_TIMEOUT = timedelta(seconds=75)
_HEARTBEAT_TIMEOUT = timedelta(seconds=25)
"""Longer than a call to Google and its silent re-send may take; the activity heartbeats before each call."""

_RETRY_POLICY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2))


async def write_events(
    actions: Sequence[Action], priority: int, is_superseded: Callable[[], bool], report_overdue: Callable[[], None]
) -> list[BlockedEvent]:
    """Write the events, and return those that are blocked.

    Once superseded, writes that wait for their retry are cancelled, and writes in flight end first: two writes to one
    event never overlap.
    """
    writes = {action.key: _start(action, priority) for action in actions}

    def ended() -> bool:
        return is_superseded() or all(write.done() for write in writes.values())

    try:
        await workflow.wait_condition(
            ended, timeout=OVERDUE_WRITE_TIMEOUT, timeout_summary="Show operators that writes take long"
        )
    except TimeoutError:
        report_overdue()
        await workflow.wait_condition(ended)
    for write in writes.values():
        write.cancel()
    return [BlockedEvent(key=key, hold=blocker) for key, write in writes.items() if (blocker := await _blocker(write))]


def _start(action: Action, priority: int) -> ActivityHandle[WrittenEvent]:
    if isinstance(action, Put):
        options = _options(action.event.connection_id, priority, f"Put {action.key}, version {action.event.version}")
        return workflow.start_activity_method(EventActivities.put_event, action, **options)
    options = _options(action.written.connection_id, priority, f"Delete {action.key}")
    return workflow.start_activity_method(EventActivities.delete_event, action, **options)


def _options(connection_id: str, priority: int, summary: str) -> ActivityConfig:
    return ActivityConfig(
        task_queue=queues.GOOGLE,
        start_to_close_timeout=_ATTEMPT_TIMEOUT,
        heartbeat_timeout=_HEARTBEAT_TIMEOUT,
        retry_policy=_RETRY_POLICY,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority=Priority(priority_key=priority, fairness_key=connection_id),
        summary=summary,
    )


async def _blocker(write: ActivityHandle[WrittenEvent]) -> Blocker | None:
    try:
        await write
    except ActivityError as error:
        return blocker_for_failure(error)
    return None


def blocker_for_failure(error: ActivityError) -> Blocker | None:
    """Return what the activity's error means for the event, or None if the activity was cancelled."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return None
    if isinstance(cause, ApplicationError):
        return blocker_for_error(cause.type or "", str(cause.details[0]) if cause.details else cause.type or "unknown")
    return blocker_for_error("", type(cause).__name__)
