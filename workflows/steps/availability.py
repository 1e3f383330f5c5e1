"""The activities that a product's availability needs."""

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
        Watched,
        WatchRequest,
        unknown_confirmation,
    )
    from slotsync.temporal import queues

SILENCE = timedelta(seconds=30)
"""After so long without a sign of life a watch goes on elsewhere."""

_SHORT = timedelta(seconds=30)
_UNTIL_IT_WORKS = RetryPolicy(maximum_interval=timedelta(seconds=30))
_QUICKLY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=1))


def begin_watch(request: WatchRequest) -> ActivityHandle[Watched]:
    """Ends when something is new, after hours perhaps: while nothing is, the history does not grow."""
    return workflow.start_activity_method(
        AvailabilityActivities.watch_busy,
        request,
        task_queue=queues.LONG,
        start_to_close_timeout=MAX_WATCH_DURATION + timedelta(hours=1),
        heartbeat_timeout=SILENCE,
        retry_policy=_UNTIL_IT_WORKS,
        summary=f"Watch the calendars that block {request.product}",
    )


async def publish(subject: PublishRequest) -> Publication:
    """Publishes what is new, once."""
    return await workflow.execute_activity_method(
        AvailabilityActivities.publish_availability,
        subject,
        start_to_close_timeout=_SHORT,
        retry_policy=_UNTIL_IT_WORKS,
        summary="Publish what is new",
    )


async def look_live(question: ConfirmRequest) -> Confirmation:
    """What Google says now, or that it said nothing in time."""
    try:
        return await workflow.execute_activity_method(
            ConfirmationActivities.look_live,
            question,
            task_queue=queues.GOOGLE,
            schedule_to_close_timeout=question.within,
            retry_policy=_QUICKLY,
            priority=Priority(priority_key=1, fairness_key=question.merchant.encode()[:64].decode(errors="ignore")),
            summary=f"Ask Google whether {question.product} is free",
        )
    except ActivityError:
        return unknown_confirmation(f"Google did not answer within {question.within.total_seconds():g} s")


async def told(workflow_id: str, news: AvailabilityChangedSignal) -> bool:
    """Whether this workflow has heard the news; false when there is none by that id, or it can hear no more."""
    try:
        await workflow.get_external_workflow_handle(workflow_id).signal("availability_changed", news)
    except ApplicationError:  # it has ended, say, or has had as many signals as Temporal allows one run
        return False
    return True
