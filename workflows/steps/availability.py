"""Start the activities of a product's availability, and signal its subscribers."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ActivityHandle

with workflow.unsafe.imports_passed_through():
    from activities.availability import MAX_WATCH_DURATION, AvailabilityActivities
    from activities.signals import SubscriberSignals
    from slotsync.domain.availability.messages import (
        ProductKey,
        Publication,
        PublishRequest,
        StopWatchRequest,
        WatchRequest,
        WatchResult,
    )
    from slotsync.temporal import queues

WATCH_HEARTBEAT_TIMEOUT = timedelta(seconds=30)
"""After so long without a heartbeat, the watch is started on another worker."""

_PUBLISH_TIMEOUT = timedelta(seconds=30)
_SUBSCRIBERS_TIMEOUT = timedelta(minutes=2)
"""After so long a subscriber that fails holds nothing else up: neither others nor the watch."""

_RETRY_POLICY = RetryPolicy(maximum_interval=timedelta(seconds=30))


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


async def publish(key: ProductKey) -> Publication:
    """Publish what has changed, once."""
    return await workflow.execute_activity_method(
        AvailabilityActivities.publish_availability,
        PublishRequest(**dict(key), token=str(workflow.uuid4())),
        start_to_close_timeout=_PUBLISH_TIMEOUT,
        retry_policy=_RETRY_POLICY,
        summary="Publish what has changed",
    )


async def signal_subscribers(key: ProductKey) -> None:
    """Signal the subscribers that do not know the last publication; one that cannot be signalled waits for the next."""
    try:
        await workflow.execute_activity_method(
            SubscriberSignals.signal_subscribers,
            key,
            start_to_close_timeout=_PUBLISH_TIMEOUT,
            schedule_to_close_timeout=_SUBSCRIBERS_TIMEOUT,
            retry_policy=_RETRY_POLICY,
            summary="Signal the subscribers",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise


async def record_stop(key: ProductKey, *, watched: bool) -> None:
    """Record that an operator has stopped the watching; with ``watched`` it had begun."""
    await workflow.execute_local_activity_method(
        AvailabilityActivities.record_watch_stop,
        StopWatchRequest(**dict(key), watched=watched, now=workflow.now()),
        start_to_close_timeout=_PUBLISH_TIMEOUT,
    )
