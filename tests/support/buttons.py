"""What an operator can do to a workflow: in Temporal's UI, or with its command line."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import uuid4

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    ResetActivityRequest,
    ResetWorkflowExecutionRequest,
    RespondActivityTaskFailedByIdRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from tests.support.waiting import until

Button = Callable[[Client, str], Awaitable[None]]


async def cancel(client: Client, workflow_id: str) -> None:
    """Request Cancellation, and wait until the workflow has ended."""
    await client.get_workflow_handle(workflow_id).cancel()
    await until(lambda: has_status(client, workflow_id, WorkflowExecutionStatus.CANCELED))


async def terminate(client: Client, workflow_id: str) -> None:
    await client.get_workflow_handle(workflow_id).terminate("by mistake")


async def reset(client: Client, workflow_id: str) -> None:
    """Reset to the first task: the workflow begins anew, with the signals of its old run."""
    handle = client.get_workflow_handle(workflow_id)
    history = await handle.fetch_history()
    first = next(e.event_id for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace, reason="to begin anew", workflow_task_finish_event_id=first, request_id=str(uuid4())
    )
    request.workflow_execution.workflow_id = workflow_id
    request.workflow_execution.run_id = (await handle.describe()).run_id or ""
    await client.workflow_service.reset_workflow_execution(request)


async def fail_activities(client: Client, workflow_id: str) -> None:
    """Fail each activity. One that waits for its retry has to be started first, and then be caught while it runs."""
    for pending in await pending_activities(client, workflow_id):
        await until(partial(has_failed, client, workflow_id, pending.activity_id), poll_interval=0)


async def pending_activities(client: Client, workflow_id: str) -> Sequence[PendingActivityInfo]:
    described = await client.get_workflow_handle(workflow_id).describe()
    return described.raw_description.pending_activities


async def has_failed(client: Client, workflow_id: str, activity_id: str) -> bool:
    """Fail the activity, and return true; or return false if it does not run in this moment."""
    request = RespondActivityTaskFailedByIdRequest(
        namespace=client.namespace, workflow_id=workflow_id, activity_id=activity_id
    )
    request.failure.message = "operator"
    request.failure.application_failure_info.type = "OperatorFailed"
    request.failure.application_failure_info.non_retryable = True
    try:
        await client.workflow_service.respond_activity_task_failed_by_id(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        await start_now(client, workflow_id, activity_id)
        return False
    return True


async def start_now(client: Client, workflow_id: str, activity_id: str) -> None:
    """Start an activity that waits for its retry."""
    pending = {each.activity_id: each for each in await pending_activities(client, workflow_id)}[activity_id]
    if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED and pending.attempt > 1:
        request = ResetActivityRequest(namespace=client.namespace, id=activity_id)
        request.execution.workflow_id = workflow_id
        await client.workflow_service.reset_activity(request)


BUTTONS: dict[str, Button] = {
    "cancel": cancel,
    "terminate": terminate,
    "reset": reset,
    "activity fail": fail_activities,
}


async def has_status(client: Client, workflow_id: str, *statuses: WorkflowExecutionStatus) -> bool:
    return (await client.get_workflow_handle(workflow_id).describe()).status in statuses
