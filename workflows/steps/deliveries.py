"""Deliver what waits in the store, one after the other, beside the other work of a workflow."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.retry_delays import ENDED_BY_OPERATOR_DELAY
    from workflows.steps.lifecycle import is_cancelled


class Deliveries:
    """Delivers for as long as anything waits.

    ``deliver_next`` takes how many are known to wait, delivers the next one, and returns how many still wait.
    """

    def __init__(self, deliver_next: Callable[[int], Awaitable[int]]) -> None:
        self.waiting = 0
        self._deliver_next = deliver_next
        self._new = False
        self._delivering: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is being delivered."""
        return self._delivering is None or self._delivering.done()

    def begin(self, waiting: int) -> None:
        """Deliver so many, unless that goes on already."""
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
                self.waiting = await self._deliver_next(self.waiting)
            except ActivityError:  # an operator ended it
                await workflow.sleep(ENDED_BY_OPERATOR_DELAY, summary="Deliver it again")


@contextmanager
def cancellations_of_activities() -> Iterator[None]:
    """Raise the cancellation of an activity as one of the task that waits for it.

    Raises:
        CancelledError: the activity was cancelled.
    """
    try:
        yield
    except ActivityError as error:
        if is_cancelled(error):
            raise asyncio.CancelledError from error
        raise
