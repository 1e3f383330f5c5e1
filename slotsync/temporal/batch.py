"""Signals to many workflows at once, by Temporal's own batch operations."""

from temporalio.api.batch.v1 import BatchOperationSignal
from temporalio.api.enums.v1 import BatchOperationState
from temporalio.api.workflowservice.v1 import DescribeBatchOperationRequest, StartBatchOperationRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from slotsync.rules.message import Message


class BatchProgress(Message):
    """How far a batch is: how many workflows it is for, how many have been told, how many could not be."""

    total: int
    done: int
    failed: int
    running: bool


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
