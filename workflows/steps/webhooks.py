"""Deliver a product's webhooks one after the other, in order."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import WebhookActivities
    from slotsync.domain.availability.messages import ProductKey
    from slotsync.temporal import queues
    from workflows.steps.deliveries import Deliveries, cancellations_of_activities

_ATTEMPT_TIMEOUT = timedelta(seconds=30)
_RETRY_POLICY = RetryPolicy(maximum_interval=timedelta(minutes=5))
_SINGLE_ATTEMPT = RetryPolicy(maximum_attempts=1)


async def deliver_next(key: ProductKey, summary: str, *, retry_policy: RetryPolicy = _RETRY_POLICY) -> int:
    """Send the product's next message until the platform has accepted it, and return how many still wait.

    When this is cancelled, an attempt in flight ends first, and may succeed.

    Raises:
        CancelledError: this was cancelled, and the attempt in flight failed.
        ActivityError: the attempts are used up, or an operator ended the activity.
    """
    with cancellations_of_activities():
        return await workflow.execute_activity_method(
            WebhookActivities.deliver_webhook,
            key,
            task_queue=queues.LONG,
            start_to_close_timeout=_ATTEMPT_TIMEOUT,
            retry_policy=retry_policy,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary,
        )


async def deliver_once(key: ProductKey) -> None:
    """Send what waits, and give up at the first failure: the sweep has it sent later."""
    with suppress(ActivityError):
        while await deliver_next(key, "Send a webhook before the end", retry_policy=_SINGLE_ATTEMPT):
            pass


def webhook_deliveries(key: ProductKey) -> Deliveries:
    """Return the deliveries of the product's messages, one after the other, in order."""
    return Deliveries(lambda waiting: deliver_next(key, f"Send a webhook to the platform ({waiting - 1} more wait)"))
