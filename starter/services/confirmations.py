"""Ask Google itself whether a product is free, and subscribe to changes of its availability."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from slotsync.clock import utc_now
from slotsync.domain.availability.confirmation import MAX_CONFIRM_WAIT, Confirmation, unknown_confirmation
from slotsync.domain.availability.confirmation_plan import combine_confirmations, plan_calls
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ConfirmCalls, ProductKey
from slotsync.domain.availability.questions import ConfirmQuestion
from slotsync.errors import InputError
from slotsync.secrets import Vault
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.availability.subscribers import Subscribers
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.temporal.signals import availability_start_options
from starter.services.availability import ProductZones, UnknownProduct, check_interval, check_not_past
from starter.services.question_batches import QuestionBatches, retrieve
from starter.services.question_limit import QuestionLimit

MAX_WORKFLOW_ID_BYTES: Final = 1000
"""Temporal's own limit."""

CONFIRM_OVERHEAD: Final = timedelta(seconds=2)
"""The time that Temporal and a worker may take in addition to Google's time limit."""


class ConfirmationService:
    """Confirms times through the products' workflows, and stores subscriptions to their changes."""

    def __init__(
        self, client: Client, store: Store, vault: Vault, horizon: Horizon, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._client = client
        self._confirmations = Confirmations(store, vault)
        self._connections = Connections(store, vault)
        self._subscribers = Subscribers(store)
        self._zones = ProductZones(store)
        self._max_duration = timedelta(days=horizon.days)
        self._clock = clock
        self._batches = QuestionBatches(self._ask)
        self._limit = QuestionLimit()

    async def confirm(
        self, merchant: str, product: str, start: datetime | date, end: datetime | date, within: timedelta
    ) -> Confirmation:
        """Return whether the product is free according to Google now; unknown if there is no answer in time.

        Dates are nights: from midnight to midnight in the product's time zone.

        Raises:
            InputError: the times or ``within`` are outside their limits, or the start is before today.
            TooManyQuestions: too many wait for answers.
            UnknownProduct: the product is not known.
        """
        with self._limit.waiting(merchant, product):
            return await self._confirm(merchant, product, start, end, within)

    async def _confirm(
        self, merchant: str, product: str, start: datetime | date, end: datetime | date, within: timedelta
    ) -> Confirmation:
        zone = await self._zones.get(merchant, product)
        interval = check_interval(start, end, zone, self._max_duration)
        check_not_past(interval, self._clock(), zone)
        connection_id = await asyncio.to_thread(self._connections.get_id, merchant)
        question = _question(interval, within, connection_id or "")
        return await self._answer(ProductKey(merchant=merchant, product=product), question)

    async def subscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Send the signal ``availability_changed`` to a workflow at each change of the product.

        Raises:
            InputError: no workflow can have this id.
            UnknownProduct: the product is not known.
        """
        _check_workflow_id(workflow_id)
        await self._zones.get(merchant, product)
        await asyncio.to_thread(self._subscribers.add, ProductKey(merchant=merchant, product=product), workflow_id)

    async def unsubscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Stop sending the signal to the workflow.

        Raises:
            UnknownProduct: the product is not known.
        """
        await self._zones.get(merchant, product)
        await asyncio.to_thread(self._subscribers.remove, ProductKey(merchant=merchant, product=product), workflow_id)

    async def _answer(self, key: ProductKey, question: ConfirmQuestion) -> Confirmation:
        try:
            async with _limit(question.within):
                return await self._batches.ask(key, question)
        except TimeoutError:
            return _NO_ANSWER_IN_TIME

    async def _ask(self, key: ProductKey, questions: Sequence[ConfirmQuestion]) -> Mapping[str, Confirmation]:
        """Return the answers by the ids of their questions, which all allow the same time."""
        try:
            async with _limit(questions[0].within):
                return await self._ask_in_store(key, questions)
        except (RPCError, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
            return {each.id: _UNANSWERED for each in questions}

    async def _ask_in_store(self, key: ProductKey, questions: Sequence[ConfirmQuestion]) -> Mapping[str, Confirmation]:
        """Store the questions, have them answered, and return the answers. Only ids go through Temporal."""
        within, requests = questions[0].within, plan_calls(key, questions)
        asked = {part.id: part.interval for each in requests for part in each.parts}
        await asyncio.to_thread(self._put_questions, key, asked)
        calls = tuple(tuple(part.id for part in each.parts) for each in requests)
        account = questions[0].connection_id
        await self._ask_workflow(key, ConfirmCalls(calls=calls, within=within, connection_id=account))
        found = await asyncio.to_thread(self._confirmations.get_answers, [*asked])
        late = unknown_confirmation(f"Google did not answer within {within.total_seconds():g} s")
        return combine_confirmations(requests, {**dict.fromkeys(asked, late), **found})

    def _put_questions(self, key: ProductKey, asked: Mapping[str, Interval]) -> None:
        try:
            self._confirmations.put_questions(key, asked, self._clock())
        except IntegrityError:
            raise UnknownProduct from None  # erased since it was looked up

    async def _ask_workflow(self, key: ProductKey, calls: ConfirmCalls) -> None:
        """Ask the product's workflow. It is given by name: its module needs what talks to Google, which takes long."""
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            "ProductAvailabilityWorkflow",
            key,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            **availability_start_options(key.merchant, key.product),
        )
        async with _retrieving_start(start):
            await self._client.execute_update_with_start_workflow(
                "confirm_calls", calls, start_workflow_operation=start
            )


@asynccontextmanager
async def _retrieving_start(start: WithStartWorkflowOperation[Any, Any]) -> AsyncIterator[None]:
    """Take the result of the start: the SDK sets its error besides raising it, and asyncio logs what nobody takes."""
    started = asyncio.ensure_future(start.workflow_handle())
    started.add_done_callback(retrieve)
    await asyncio.sleep(0)  # it has to wait before the result is there
    try:
        yield
    finally:
        # After the callbacks of a result that is just being set; without any, as in an SDK that cannot connect.
        asyncio.get_running_loop().call_soon(started.cancel)


_NO_ANSWER_IN_TIME = unknown_confirmation(
    "there was no answer in time, by Google or by slotsync's own parts; see Temporal and the worker"
)
"""Others who ask at the same time may allow more."""

_UNANSWERED = unknown_confirmation("slotsync's own parts did not answer in time; see Temporal and the worker")


def _limit(within: timedelta) -> asyncio.Timeout:
    return asyncio.timeout((within + CONFIRM_OVERHEAD).total_seconds())


def _check_workflow_id(workflow_id: str) -> None:
    if not (0 < len(workflow_id.encode(errors="replace")) <= MAX_WORKFLOW_ID_BYTES and workflow_id.isprintable()):
        raise InputError(
            f"workflow_id: is empty, longer than {MAX_WORKFLOW_ID_BYTES} bytes or has control characters; "
            "give the id of the workflow to signal"
        )


def _question(interval: Interval, within: timedelta, connection_id: str) -> ConfirmQuestion:
    if not timedelta() < within <= MAX_CONFIRM_WAIT:
        raise InputError(f"within: is not between 0 and {MAX_CONFIRM_WAIT.total_seconds():g} seconds")
    return ConfirmQuestion(id=f"cnf_{uuid4()}", span=interval, within=within, connection_id=connection_id)
