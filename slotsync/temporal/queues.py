"""The task queues, and their rate limits, which Temporal's server enforces for all workers together."""

import logging
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.service import RPCError

from slotsync.domain.connections.call_limit import WORKERS_SHARE

WORKFLOWS: Final = "slotsync"
"""Workflows, and activities that only touch the database."""

GOOGLE: Final = "slotsync-google"
"""Activities that call Google: rate limited, fair between connections, never started eagerly."""

LONG: Final = "slotsync-long"
"""Activities that run long and heartbeat: polls, and signals to many workflows."""


def google_priority(priority: int, connection_id: str, calls: int = 1) -> Priority:
    """Return the priority of an activity that probably makes this number of calls to Google for a connection.

    Temporal counts a task of weight 1/n as n tasks against the limit of its fairness key (measured: server 1.32).
    """
    return Priority(priority_key=priority, fairness_key=connection_id, fairness_weight=1 / calls)


logger = logging.getLogger(__name__)

_OUR_REASON: Final = "Google's quota"

PROJECT_SHARE: Final = 0.9
"""The share of the project's quota that is used: Google counts a sliding minute, and some calls are not foreseen."""


async def limit_google_calls(
    client: Client, *, per_user_minute: int, per_project_minute: int, keep_held: bool = False
) -> None:
    """Limit calls to Google to the project's quota, and for each connection (the fairness key) to the workers' share.

    The API's calls have a share of their own (see ``slotsync.store.connections.call_limits``).
    With ``keep_held`` the limit of the queue stays while an operator holds it: set with another reason than ours.
    A server without rate limits is only logged as a warning.
    """
    request = UpdateTaskQueueConfigRequest(
        namespace=client.namespace,
        identity=client.identity,
        task_queue=GOOGLE,
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        update_fairness_key_rate_limit_default=_rate_limit(per_user_minute * WORKERS_SHARE),
    )
    try:
        if not (keep_held and await _is_held(client)):
            request.update_queue_rate_limit.CopyFrom(_rate_limit(per_project_minute * PROJECT_SHARE))
        await client.workflow_service.update_task_queue_config(request)
    except RPCError as error:
        # Google's own rate limit errors still slow us down; working without fairness is better than not working.
        logger.warning("this Temporal server supports no rate limits (%s): %s", error.status.name, error.message)


async def _is_held(client: Client) -> bool:
    """Return whether an operator has set the limit of the queue."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=GOOGLE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_config=True,
    )
    config = (await client.workflow_service.describe_task_queue(request)).config
    return config.HasField("queue_rate_limit") and config.queue_rate_limit.metadata.reason != _OUR_REASON


def _rate_limit(per_minute: float) -> UpdateTaskQueueConfigRequest.RateLimitUpdate:
    return UpdateTaskQueueConfigRequest.RateLimitUpdate(
        rate_limit=RateLimit(requests_per_second=per_minute / 60), reason=_OUR_REASON
    )
