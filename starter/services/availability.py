"""Answer questions about availability, from stored readings or live from Google."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

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
from slotsync.domain.availability.confirmation import (
    MAX_CONFIRM_DURATION,
    MAX_CONFIRM_WAIT,
    Confirmation,
    unknown_confirmation,
)
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ConfirmQuestion, ConfirmResult, ProductKey
from slotsync.domain.calendars.owner import Owner
from slotsync.errors import InputError, UnknownSubject
from slotsync.secrets import Vault
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.availability.subscribers import Subscribers
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.temporal.signals import availability_start_options
from workflows.availability import ProductAvailabilityWorkflow

_MIN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TIME: Final = datetime(2200, 1, 1, tzinfo=UTC)

MAX_WORKFLOW_ID_BYTES: Final = 1000
"""Temporal's own limit."""

CONFIRM_OVERHEAD: Final = timedelta(seconds=2)
"""The time that Temporal and a worker may take in addition to Google's time limit."""


class UnknownProduct(UnknownSubject):
    """The platform has not put settings for this product."""

    def __init__(self) -> None:
        super().__init__("The product is not known; put its settings first.")


class AvailabilityService:
    """Reads availability as the merchant's calendars were last read."""

    def __init__(self, store: Store, vault: Vault, horizon: Horizon, clock: Callable[[], datetime] = utc_now) -> None:
        self._availability = ProductAvailability(store, vault)
        self._max_duration = timedelta(days=horizon.days)
        self._clock = clock

    async def get(self, merchant: str, product: str, start: datetime, end: datetime) -> Availability:
        """Return the times between start and end at which the product is busy or unknown; it is free at all others.

        Raises:
            InputError: the times have no zone, are in the wrong order or are further apart than the horizon.
            UnknownProduct: the product is not known.
        """
        interval = check_interval(start, end, self._max_duration)
        found = await asyncio.to_thread(self._availability.get_availability, merchant, product, interval, self._clock())
        if found is None:
            raise UnknownProduct
        return found

    async def explain(self, merchant: str, product: str, at: datetime) -> Explanation:
        """Return why the product is free, busy or unknown at a time.

        Raises:
            InputError: the time has no zone, or is before 1970 or after 2199.
            UnknownProduct: the product is not known.
        """
        time = _check_time("The time", at)
        found = await asyncio.to_thread(self._availability.get_explanation, merchant, product, time, self._clock())
        if found is None:
            raise UnknownProduct
        return found


def check_interval(start: datetime, end: datetime, max_duration: timedelta) -> Interval:
    """Return the interval from start to end in UTC.

    Raises:
        InputError: the times have no zone or are in the wrong order, or the interval is longer than ``max_duration``.
    """
    first, last = _check_time("The start", start), _check_time("The end", end)
    if last <= first:
        raise InputError("The end is not after the start; ask for a time that ends after it has begun.")
    if last - first > max_duration:
        raise InputError(f"The end is more than {max_duration.days} days after the start; ask for less at once.")
    return Interval(start=first, end=last)


def _check_time(name: str, time: datetime) -> datetime:
    if time.utcoffset() is None:
        raise InputError(f"{name} has no time zone; give an offset, such as 2026-07-01T18:00:00+03:00.")
    if not _MIN_TIME <= time < _MAX_TIME:
        raise InputError(f"{name} is not between {_MIN_TIME.year} and {_MAX_TIME.year}; give one that is.")
    return time.astimezone(UTC)


class ConfirmationService:
    """Confirms times through the products' workflows, and stores subscriptions to their changes."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._confirmations = Confirmations(store, vault)
        self._subscribers = Subscribers(store)
        self._owners = Owners(store)

    async def confirm(
        self, merchant: str, product: str, start: datetime, end: datetime, within: timedelta
    ) -> Confirmation:
        """Return whether the product is free according to Google now; unknown if there is no answer in time.

        Raises:
            InputError: the times or ``within`` are outside their limits.
            UnknownProduct: the product is not known.
        """
        question = _question(check_interval(start, end, MAX_CONFIRM_DURATION), within)
        await self._require_product(merchant, product)
        try:
            async with asyncio.timeout((within + CONFIRM_OVERHEAD).total_seconds()):
                result = await self._confirm(ProductKey(merchant=merchant, product=product), question)
        except (RPCError, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
            return unknown_confirmation("slotsync's own parts did not answer in time; see Temporal and the worker")
        evidence = await asyncio.to_thread(self._confirmations.get_evidence, question.id)
        return Confirmation(**dict(result), evidence=evidence)

    async def subscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Send the signal ``availability_changed`` to a workflow at each change of the product.

        Raises:
            InputError: no workflow can have this id.
            UnknownProduct: the product is not known.
        """
        _check_workflow_id(workflow_id)
        await self._require_product(merchant, product)
        await asyncio.to_thread(self._subscribers.add, ProductKey(merchant=merchant, product=product), workflow_id)

    async def unsubscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Stop sending the signal to the workflow.

        Raises:
            UnknownProduct: the product is not known.
        """
        await self._require_product(merchant, product)
        await asyncio.to_thread(self._subscribers.remove, ProductKey(merchant=merchant, product=product), workflow_id)

    async def _confirm(self, key: ProductKey, question: ConfirmQuestion) -> ConfirmResult:
        start = WithStartWorkflowOperation(
            ProductAvailabilityWorkflow.run,
            key,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            **availability_start_options(key.merchant, key.product),
        )
        return await self._client.execute_update_with_start_workflow(
            ProductAvailabilityWorkflow.confirm, question, start_workflow_operation=start
        )

    async def _require_product(self, merchant: str, product: str) -> None:
        if await asyncio.to_thread(self._owners.get, merchant, Owner.product(product)) is None:
            raise UnknownProduct


def _check_workflow_id(workflow_id: str) -> None:
    if not (0 < len(workflow_id.encode(errors="replace")) <= MAX_WORKFLOW_ID_BYTES and workflow_id.isprintable()):
        raise InputError(
            f"workflow_id: is empty, longer than {MAX_WORKFLOW_ID_BYTES} bytes or has control characters; "
            "give the id of the workflow to signal"
        )


def _question(interval: Interval, within: timedelta) -> ConfirmQuestion:
    if not timedelta() < within <= MAX_CONFIRM_WAIT:
        raise InputError(f"within: is not between 0 and {MAX_CONFIRM_WAIT.total_seconds():g} seconds")
    return ConfirmQuestion(id=f"cnf_{uuid4()}", span=interval, within=within)
