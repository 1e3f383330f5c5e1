"""Deliver webhooks one after the other, in order."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import WebhookActivities
    from slotsync.domain.availability.messages import is_availability_message
    from slotsync.temporal import queues

_ATTEMPT_TIMEOUT = timedelta(seconds=30)
_RETRY_POLICY = RetryPolicy(maximum_interval=timedelta(minutes=5))


async def deliver(message_id: str, summary: str) -> None:
    """Send a recorded message, and return once the platform has accepted it, however long that takes.

    When this is cancelled, an attempt in flight ends first, and may succeed.

    Raises:
        CancelledError: this was cancelled, and the attempt in flight failed.
    """
    try:
        await workflow.execute_activity_method(
            WebhookActivities.deliver_webhook,
            message_id,
            task_queue=queues.LONG,
            start_to_close_timeout=_ATTEMPT_TIMEOUT,
            retry_policy=_RETRY_POLICY,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary,
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise asyncio.CancelledError from error
        raise


class Outbox:
    """Messages that the platform has not accepted yet. One can be replaced until its delivery is first tried."""

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = list(messages)
        self._reserved: str | None = None
        self._closing = False
        self._delivering: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to deliver."""
        self._delivering = asyncio.create_task(self._deliver())

    def reserve_replaceable(self) -> str | None:
        """Return a message that another one may replace, or None. It is not delivered before the next ``put``."""
        waiting = (each for each in reversed(self.messages[1:]) if is_availability_message(each))
        self._reserved = next(waiting, None)
        return self._reserved

    def put(self, messages: Sequence[str]) -> None:
        """Add messages. If there are any, they replace the reserved one."""
        if messages and self._reserved:
            self.messages.remove(self._reserved)
        self.messages.extend(messages)
        self._reserved = None

    async def close(self) -> None:
        """Deliver no more. A delivery in flight ends first: two deliveries never overlap."""
        self._closing = True
        if self._delivering:
            self._delivering.cancel()
            # A delivery in flight that fails after the cancellation is not retried: it ends with its failure.
            with suppress(asyncio.CancelledError, ActivityError):
                await self._delivering

    async def _deliver(self) -> None:
        while True:
            await workflow.wait_condition(lambda: self._closing or self._is_next())
            if self._closing:
                return
            await deliver(self.messages[0], f"Send a webhook to the platform ({len(self.messages) - 1} more wait)")
            self.messages.pop(0)

    def _is_next(self) -> bool:
        return bool(self.messages) and self.messages[0] != self._reserved
