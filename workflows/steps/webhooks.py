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


class Outbox:
    """What the platform has not accepted yet. A message may be replaced as long as nobody has tried to deliver it."""

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = list(messages)
        self._replaced: str | None = None
        self._closing = False
        self._delivering: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begins to deliver."""
        self._delivering = asyncio.create_task(self._deliver())

    def take_back(self) -> str | None:
        """A message that another one may replace, held back until ``put``; nothing if none waits for its turn."""
        waiting = (each for each in reversed(self.messages[1:]) if is_availability_message(each))
        self._replaced = next(waiting, None)
        return self._replaced

    def put(self, messages: Sequence[str]) -> None:
        """Adds messages, in place of the one that was taken back if there are any."""
        if messages and self._replaced:
            self.messages.remove(self._replaced)
        self.messages.extend(messages)
        self._replaced = None

    async def close(self) -> None:
        """Delivers no more. What is on its way arrives first: two deliveries never overlap."""
        self._closing = True
        if self._delivering:
            self._delivering.cancel()
            # One that is on its way and fails is not tried again once it is called back: it ends as it failed.
            with suppress(asyncio.CancelledError, ActivityError):
                await self._delivering

    async def _deliver(self) -> None:
        while True:
            await workflow.wait_condition(lambda: self._closing or self._is_next())
            if self._closing:
                return
            await deliver(self.messages[0], f"Tell the platform ({len(self.messages) - 1} more wait)")
            self.messages.pop(0)

    def _is_next(self) -> bool:
        return bool(self.messages) and self.messages[0] != self._replaced
