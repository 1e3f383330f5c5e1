"""Signal workflows: one, which is started if it does not run, or many by a batch operation of Temporal's."""

from typing import Literal

from temporalio.api.batch.v1 import BatchOperationSignal
from temporalio.api.enums.v1 import BatchOperationState
from temporalio.api.workflowservice.v1 import DescribeBatchOperationRequest, StartBatchOperationRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.availability.messages import AvailabilityState, Subscription
from slotsync.domain.calendars.messages import BatchProgress, CalendarRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.disconnection import DisconnectionResult
from slotsync.domain.connections.messages import ConnectionRequest, Disconnect, Granted, Revoked
from slotsync.domain.messages import Message
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id
from slotsync.temporal import queues
from slotsync.temporal.search_attributes import initial_attributes


async def signal_availability(
    client: Client, merchant: str, product: str, subscription: Subscription | None = None
) -> None:
    """Starts the workflow, or has the one that runs look again or note a subscription. Durable when it returns."""
    await client.start_workflow(
        "ProductAvailabilityWorkflow",
        AvailabilityState(merchant=merchant, product=product),
        id=availability_id(merchant, product),
        task_queue=queues.WORKFLOWS,
        start_signal="subscribe" if subscription else "look_again",
        start_signal_args=[subscription] if subscription else [],
        search_attributes=initial_attributes(merchant, [Owner.product(product)]),
        static_summary=f"Availability of {product} of {merchant}",
    )


CalendarSignal = Literal["settings_changed", "needed"]


async def signal_calendar(client: Client, request: CalendarRequest, news: CalendarSignal) -> None:
    """Durable when it returns, whether the workflow ran or not. By name: activities do not know workflows."""
    await client.start_workflow(
        "ManagedCalendarWorkflow",
        request,
        id=calendar_id(request.merchant, request.owner),
        task_queue=queues.WORKFLOWS,
        start_signal=news,
        search_attributes=initial_attributes(request.merchant, [request.owner]),
        static_summary=f"Calendar of {request.merchant} for {request.owner}",
    )


_SIGNALS: dict[type[Message], str] = {Granted: "granted", Revoked: "revoked", Disconnect: "disconnect"}


async def signal_connection(
    client: Client, merchant: str, news: Granted | Revoked | Disconnect
) -> WorkflowHandle[object, DisconnectionResult | None]:
    """Durable when it returns, whether the workflow ran or not. By name: activities do not know workflows."""
    return await client.start_workflow(
        "ConnectionWorkflow",
        ConnectionRequest(merchant=merchant),
        id=connection_id(merchant),
        task_queue=queues.WORKFLOWS,
        start_signal=_SIGNALS[type(news)],
        start_signal_args=[news],
        search_attributes=initial_attributes(merchant, []),
        static_summary=f"Google connection of {merchant}",
        result_type=DisconnectionResult,
    )


def quoted(text: str) -> str:
    """The text as a value in a query, whatever is in it."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


async def signal_all(client: Client, query: str, signal: str, *, job_id: str, reason: str) -> bool:
    """Starts to signal every workflow that the query finds; false when Temporal has to end another batch first.

    A namespace takes one batch at a time by default. Look for ``batch_progress`` before starting a job again.
    """
    request = StartBatchOperationRequest(
        namespace=client.namespace,
        visibility_query=query,
        job_id=job_id,
        reason=reason,
        signal_operation=BatchOperationSignal(signal=signal, identity=client.identity),
    )
    try:
        await client.workflow_service.start_batch_operation(request)
    except RPCError as error:
        if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
            return False
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
    return True


async def batch_progress(client: Client, job_id: str) -> BatchProgress | None:
    """How far the batch is; nothing when there is none."""
    request = DescribeBatchOperationRequest(namespace=client.namespace, job_id=job_id)
    try:
        found = await client.workflow_service.describe_batch_operation(request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return BatchProgress(
        total=found.total_operation_count,
        done=found.complete_operation_count,
        failed=found.failure_operation_count,
        running=found.state == BatchOperationState.BATCH_OPERATION_STATE_RUNNING,
    )
