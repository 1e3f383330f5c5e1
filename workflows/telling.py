"""Telling the platform."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import WebhookActivities
    from slotsync.temporal import queues

_ATTEMPT = timedelta(seconds=30)
_UNTIL_ACCEPTED = RetryPolicy(maximum_interval=timedelta(minutes=5))


async def deliver(message_id: str, summary: str) -> None:
    """Sends a message that was noted; returns once the platform has accepted it, however long that takes.

    When it is called back, an attempt that is on its way ends first, and may yet succeed.
    """
    try:
        await workflow.execute_activity_method(
            WebhookActivities.deliver_webhook,
            message_id,
            task_queue=queues.LONG,
            start_to_close_timeout=_ATTEMPT,
            retry_policy=_UNTIL_ACCEPTED,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary,
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise asyncio.CancelledError from error
        raise
