"""A booking's last look, and who wants to hear of changes: what is asked of a product's workflow."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from slotsync.errors import InputError
from slotsync.rules.availability_news import (
    LONGEST_QUESTION,
    LONGEST_WAIT,
    AvailabilityState,
    Confirmation,
    Question,
    Subscription,
    nobody_knows,
)
from slotsync.rules.owner import Owner
from slotsync.rules.span import Span
from slotsync.rules.workflow_ids import availability_id
from slotsync.store import Owners, Store
from slotsync.temporal import queues
from slotsync.temporal.attributes import whose
from slotsync.temporal.availability_news import tell_availability
from starter.asking import UnknownProduct, checked_window
from workflows.availability import ProductAvailabilityWorkflow

ON_THE_WAY: Final = timedelta(seconds=2)
"""What Temporal and a worker may take on top of the time that Google is given."""


class Confirming:
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
            return nobody_knows("slotsync's own parts did not answer in time; see Temporal and the worker")

    async def subscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Has a workflow hear of every change of the product, by the signal ``availability_changed``."""
        await self._require(merchant, product)
        await tell_availability(self._client, merchant, product, Subscription(workflow_id=workflow_id))

    async def unsubscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Has it hear no more."""
        await self._require(merchant, product)
        await tell_availability(self._client, merchant, product, Subscription(workflow_id=workflow_id, ends=True))

    async def _ask(self, question: Question) -> Confirmation:
        state = AvailabilityState(merchant=question.merchant, product=question.product)
        owner = Owner.product(question.product)
        start = WithStartWorkflowOperation(
            ProductAvailabilityWorkflow.run,
            state,
            id=availability_id(question.merchant, question.product),
            task_queue=queues.WORKFLOWS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=whose(question.merchant, [owner]),
            static_summary=f"Availability of {question.product} of {question.merchant}",
        )
        return await self._client.execute_update_with_start_workflow(
            ProductAvailabilityWorkflow.confirm, question, start_workflow_operation=start
        )

    async def _require(self, merchant: str, product: str) -> None:
        if await asyncio.to_thread(self._owners.get, merchant, Owner.product(product)) is None:
            raise UnknownProduct


def _question(merchant: str, product: str, span: Span, within: timedelta) -> Question:
    if not timedelta() < within <= LONGEST_WAIT:
        raise InputError(f"within: is not between 0 and {LONGEST_WAIT.total_seconds():g} seconds")
    return Question(merchant=merchant, product=product, span=span, within=within)
