"""Bound the time that a call to Temporal may take: a hung server would hold callers for half a minute and more."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio.client import (
    CountWorkflowsInput,
    DescribeScheduleInput,
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    QueryWorkflowInput,
    ScheduleDescription,
    SignalWorkflowInput,
    StartWorkflowInput,
    WorkflowExecutionAsyncIterator,
    WorkflowExecutionCount,
    WorkflowExecutionDescription,
    WorkflowHandle,
    WorkflowHistoryEventAsyncIterator,
)
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import override

CALL_TIMEOUT: Final = timedelta(seconds=8)
"""Longer than a busy server takes, and short enough for callers to be answered within ten seconds. It includes the
SDK's own retries, which otherwise go on for 30 seconds and more (measured on a stopped server)."""

T = TypeVar("T")


class BoundedCalls(Interceptor):
    """Bounds every call that is not meant to wait for something to happen, such as the result of a workflow."""

    @override
    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Return the interceptor around a client's calls."""
        return _BoundedOutbound(next)


class _BoundedOutbound(OutboundInterceptor):
    @override
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        return await _bounded(super().start_workflow(input), input.rpc_timeout)

    @override
    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        await _bounded(super().signal_workflow(input), input.rpc_timeout)

    @override
    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        return await _bounded(super().query_workflow(input), input.rpc_timeout)

    @override
    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        return await _bounded(super().describe_workflow(input), input.rpc_timeout)

    @override
    async def count_workflows(self, input: CountWorkflowsInput) -> WorkflowExecutionCount:
        return await _bounded(super().count_workflows(input), input.rpc_timeout)

    @override
    async def describe_schedule(self, input: DescribeScheduleInput) -> ScheduleDescription:
        return await _bounded(super().describe_schedule(input), input.rpc_timeout)

    @override
    def list_workflows(self, input: ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:
        input.rpc_timeout = input.rpc_timeout or CALL_TIMEOUT
        return super().list_workflows(input)

    @override
    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        if not input.wait_new_event:
            input.rpc_timeout = input.rpc_timeout or CALL_TIMEOUT
        return super().fetch_workflow_history_events(input)


async def _bounded(call: Awaitable[T], limit: timedelta | None) -> T:
    """Return the result of the call.

    Raises:
        RPCError: the call failed, or Temporal did not answer in time (DEADLINE_EXCEEDED), or not at all (UNAVAILABLE).
    """
    try:
        async with asyncio.timeout((limit or CALL_TIMEOUT).total_seconds()):
            return await call
    except TimeoutError:
        raise RPCError("Temporal does not answer", RPCStatusCode.DEADLINE_EXCEEDED, b"") from None
    except RuntimeError as error:  # the SDK has no more specific class for a lazy client that cannot connect
        raise RPCError(f"Temporal does not answer ({error})", RPCStatusCode.UNAVAILABLE, b"") from None
