"""Delete workflows with their histories."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution as ExecutionKey
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.search_attributes import MERCHANT, RUNNING
from slotsync.temporal.signals import MAX_PARALLEL_SIGNALS, quote_value

_POLL_INTERVAL: Final = timedelta(milliseconds=200)
_GONE: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION})
"""Temporal's answers for a workflow that is deleted, or being deleted, already."""


def workflows_of(merchant: str, reservation: str | None = None) -> str:
    """Return the visibility query for the workflows of the merchant, or of one of its reservations."""
    if reservation is not None:
        return f"WorkflowId = {quote_value(reservation_id(merchant, reservation))}"
    return f"{MERCHANT.name} = {quote_value(merchant)}"


async def cancel_workflows(client: Client, query: str, within: timedelta) -> None:
    """Cancel what runs, and wait until it has ended, at most for this time: calls to Google in flight end first."""
    running = f"{query} AND {RUNNING}"
    await _for_all(await list_runs(client, running), lambda each: _cancel(client, each))
    await wait_until_gone(client, running, within)


async def list_runs(client: Client, query: str) -> Sequence[WorkflowExecution]:
    """Return the runs that Temporal lists, also those that it is deleting."""
    return [each async for each in client.list_workflows(query)]


async def delete_runs(client: Client, runs: Sequence[WorkflowExecution]) -> None:
    """Delete runs with their histories, also what still runs. Temporal lists them a bit longer."""
    await _for_all(runs, lambda each: _delete(client, each))


async def wait_until_gone(client: Client, query: str, within: timedelta) -> bool:
    """Return whether Temporal lists none of these workflows any more, at the latest after this time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within.total_seconds()):
            while (await client.count_workflows(query)).count:  # noqa: ASYNC110  the server sends no event for it
                await asyncio.sleep(_POLL_INTERVAL.total_seconds())
            return True
    return False


async def _for_all(runs: Sequence[WorkflowExecution], act: Callable[[WorkflowExecution], Awaitable[None]]) -> None:
    """Act on all runs, some side by side."""
    for start in range(0, len(runs), MAX_PARALLEL_SIGNALS):
        await asyncio.gather(*map(act, runs[start : start + MAX_PARALLEL_SIGNALS]))


async def _cancel(client: Client, run: WorkflowExecution) -> None:
    with _gone_as_done():
        await client.get_workflow_handle(run.id, run_id=run.run_id).cancel()


async def _delete(client: Client, run: WorkflowExecution) -> None:
    key = ExecutionKey(workflow_id=run.id, run_id=run.run_id)
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=key)
    with _gone_as_done():
        await client.workflow_service.delete_workflow_execution(request)


@contextmanager
def _gone_as_done() -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status not in _GONE:
            raise
