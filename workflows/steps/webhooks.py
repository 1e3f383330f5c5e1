"""Deliver a product's webhooks one after the other, in order."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import WebhookActivities
    from slotsync.domain.availability.messages import ProductKey
    from slotsync.domain.retry_delays import ENDED_BY_OPERATOR_DELAY
    from slotsync.temporal import queues

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
    try:
        return await workflow.execute_activity_method(
            WebhookActivities.deliver_webhook,
            key,
            task_queue=queues.LONG,
            start_to_close_timeout=_ATTEMPT_TIMEOUT,
            retry_policy=retry_policy,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary,
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise asyncio.CancelledError from error
        raise


async def deliver_once(key: ProductKey) -> None:
    """Send what waits, and give up at the first failure: the sweep has it sent later."""
    with suppress(ActivityError):
        while await deliver_next(key, "Send a webhook before the end", retry_policy=_SINGLE_ATTEMPT):
            pass


class Deliveries:
    """Delivers the product's messages for as long as any wait in the store."""

    def __init__(self, key: ProductKey) -> None:
        self.waiting = 0
        self._key = key
        self._new = False
        self._delivering: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is being delivered."""
        return self._delivering is None or self._delivering.done()

    def begin(self, waiting: int) -> None:
        """Deliver so many messages, unless that goes on already."""
        if waiting:
            # Noted for a delivery in flight: what it will return may have been counted before these were stored.
            self.waiting, self._new = waiting, True
            if self.is_idle:
                self._delivering = asyncio.create_task(self._deliver())

    async def close(self) -> None:
        """Deliver no more. A delivery in flight ends first: two deliveries never overlap."""
        if self._delivering:
            self._delivering.cancel()
            with suppress(asyncio.CancelledError, ActivityError):
                await self._delivering

    async def _deliver(self) -> None:
        while self._new or self.waiting:
            self._new = False
            try:
                self.waiting = await deliver_next(
                    self._key, f"Send a webhook to the platform ({self.waiting - 1} more wait)"
                )
            except ActivityError:  # an operator ended it
                await workflow.sleep(ENDED_BY_OPERATOR_DELAY, summary="Send the webhook again")
