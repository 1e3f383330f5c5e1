"""Start the activities of a product's availability, and signal its subscribers."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import ActivityHandle

with workflow.unsafe.imports_passed_through():
    from activities.availability import MAX_WATCH_DURATION, AvailabilityActivities, ConfirmationActivities
    from slotsync.domain.availability.messages import (
        AvailabilityChangedSignal,
        Confirmation,
        ConfirmRequest,
        Publication,
        PublishRequest,
        WatchRequest,
        WatchResult,
        unknown_confirmation,
    )
    from slotsync.temporal import queues

WATCH_HEARTBEAT_TIMEOUT = timedelta(seconds=30)
"""After so long without a heartbeat, the watch is started on another worker."""

_PUBLISH_TIMEOUT = timedelta(seconds=30)
_RETRY_POLICY = RetryPolicy(maximum_interval=timedelta(seconds=30))
_CONFIRM_RETRY_POLICY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=1))


def start_watch(request: WatchRequest) -> ActivityHandle[WatchResult]:
    """Start a watch that ends when something is new, which may take hours: the history does not grow meanwhile."""
    return workflow.start_activity_method(
        AvailabilityActivities.watch_busy,
        request,
        task_queue=queues.LONG,
        start_to_close_timeout=MAX_WATCH_DURATION + timedelta(hours=1),
        heartbeat_timeout=WATCH_HEARTBEAT_TIMEOUT,
        retry_policy=_RETRY_POLICY,
        summary=f"Watch the calendars that block {request.product}",
    )


async def publish(subject: PublishRequest) -> Publication:
    """Publish what has changed, once."""
    return await workflow.execute_activity_method(
        AvailabilityActivities.publish_availability,
        subject,
        start_to_close_timeout=_PUBLISH_TIMEOUT,
        retry_policy=_RETRY_POLICY,
        summary="Publish what has changed",
    )


async def confirm(request: ConfirmRequest) -> Confirmation:
    """Return whether the product is free according to Google now; unknown if Google does not answer in time."""
    try:
        return await workflow.execute_activity_method(
            ConfirmationActivities.confirm,
            request,
            task_queue=queues.GOOGLE,
            schedule_to_close_timeout=request.within,
            retry_policy=_CONFIRM_RETRY_POLICY,
            priority=Priority(priority_key=1, fairness_key=request.merchant.encode()[:64].decode(errors="ignore")),
            summary=f"Ask Google whether {request.product} is free",
        )
    except ActivityError:
        return unknown_confirmation(f"Google did not answer within {request.within.total_seconds():g} s")


async def signal_subscriber(workflow_id: str, change: AvailabilityChangedSignal) -> bool:
    """Signal the change to the workflow; return False if there is none by that id, or if it takes no more signals."""
    try:
        await workflow.get_external_workflow_handle(workflow_id).signal("availability_changed", change)
    except ApplicationError:  # it has ended, for example, or has had as many signals as Temporal allows one run
        return False
    return True
