"""Availability: what is known of a product's times, and live confirmations."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from slotsync.busy_times.product_availability import ProductAvailability
from slotsync.clock import utc_now
from slotsync.domain.availability.availability import Availability
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import (
    LONGEST_QUESTION,
    LONGEST_WAIT,
    AvailabilityState,
    Confirmation,
    ConfirmRequest,
    Subscription,
    unknown_confirmation,
)
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.workflow_ids import availability_id
from slotsync.errors import InputError
from slotsync.secrets import Vault
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.temporal import queues
from slotsync.temporal.search_attributes import initial_attributes
from slotsync.temporal.signals import signal_availability
from workflows.availability import ProductAvailabilityWorkflow

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class UnknownProduct(InputError):
    """Nobody has told slotsync of this product."""

    def __init__(self) -> None:
        super().__init__("The product is not known; put its settings first.")


class AvailabilityService:
    """Answers from what was read of a merchant's calendars last. An ``InputError`` names what cannot be asked."""

    def __init__(self, store: Store, vault: Vault, horizon: Horizon, clock: Callable[[], datetime] = utc_now) -> None:
        self._answers = ProductAvailability(store, vault)
        self._longest = timedelta(days=horizon.days)
        self._clock = clock

    async def availability(self, merchant: str, product: str, start: datetime, end: datetime) -> Availability:
        """When the product is busy or unknown; all else is free."""
        asked = checked_window(start, end, self._longest)
        found = await asyncio.to_thread(self._answers.availability, merchant, product, asked, self._clock())
        if found is None:
            raise UnknownProduct
        return found

    async def explanation(self, merchant: str, product: str, at: datetime) -> Explanation:
        """Why the product is free, busy or unknown at a moment."""
        moment = _checked("The time", at)
        found = await asyncio.to_thread(self._answers.explanation, merchant, product, moment, self._clock())
        if found is None:
            raise UnknownProduct
        return found


def checked_window(start: datetime, end: datetime, longest: timedelta) -> Interval:
    """The time from start to end; an ``InputError`` when it is not one, or is longer than that."""
    first, last = _checked("The start", start), _checked("The end", end)
    if last <= first:
        raise InputError("The end is not after the start; ask for a time that ends after it has begun.")
    if last - first > longest:
        raise InputError(f"The end is more than {longest.days} days after the start; ask for less at once.")
    return Interval(start=first, end=last)


def _checked(name: str, moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise InputError(f"{name} has no time zone; give an offset, such as 2026-07-01T18:00:00+03:00.")
    if not _EARLIEST <= moment < _LATEST:
        raise InputError(f"{name} is not between {_EARLIEST.year} and {_LATEST.year}; give one that is.")
    return moment.astimezone(UTC)


ON_THE_WAY: Final = timedelta(seconds=2)
"""What Temporal and a worker may take on top of the time that Google is given."""


class ConfirmationService:
    """Asks products' workflows. An ``InputError`` names what cannot be asked."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._owners = Owners(store)

    async def confirm(
        self, merchant: str, product: str, start: datetime, end: datetime, within: timedelta
    ) -> Confirmation:
        """Whether the product is free, by what Google says now. Unknown when nobody answers in time."""
        question = _question(merchant, product, checked_window(start, end, LONGEST_QUESTION), within)
        await self._require(merchant, product)
        try:
            async with asyncio.timeout((within + ON_THE_WAY).total_seconds()):
                return await self._ask(question)
        except (RPCError, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
            return unknown_confirmation("slotsync's own parts did not answer in time; see Temporal and the worker")

    async def subscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Has a workflow hear of every change of the product, by the signal ``availability_changed``."""
        await self._require(merchant, product)
        await signal_availability(self._client, merchant, product, Subscription(workflow_id=workflow_id))

    async def unsubscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Has it hear no more."""
        await self._require(merchant, product)
        await signal_availability(self._client, merchant, product, Subscription(workflow_id=workflow_id, ends=True))

    async def _ask(self, question: ConfirmRequest) -> Confirmation:
        state = AvailabilityState(merchant=question.merchant, product=question.product)
        owner = Owner.product(question.product)
        start = WithStartWorkflowOperation(
            ProductAvailabilityWorkflow.run,
            state,
            id=availability_id(question.merchant, question.product),
            task_queue=queues.WORKFLOWS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=initial_attributes(question.merchant, [owner]),
            static_summary=f"Availability of {question.product} of {question.merchant}",
        )
        return await self._client.execute_update_with_start_workflow(
            ProductAvailabilityWorkflow.confirm, question, start_workflow_operation=start
        )

    async def _require(self, merchant: str, product: str) -> None:
        if await asyncio.to_thread(self._owners.get, merchant, Owner.product(product)) is None:
            raise UnknownProduct


def _question(merchant: str, product: str, span: Interval, within: timedelta) -> ConfirmRequest:
    if not timedelta() < within <= LONGEST_WAIT:
        raise InputError(f"within: is not between 0 and {LONGEST_WAIT.total_seconds():g} seconds")
    return ConfirmRequest(merchant=merchant, product=product, span=span, within=within)
