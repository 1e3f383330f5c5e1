"""The task queues, and their rate limits that Temporal's server keeps for all workers together."""

import logging
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.service import RPCError

WORKFLOWS: Final = "slotsync"
"""Workflows, and activities that only touch the database."""

GOOGLE: Final = "slotsync-google"
"""Activities that call Google: rate limited, fair between connections, never started eagerly."""

LONG: Final = "slotsync-long"
"""Activities that run long and heartbeat: polls, and signals to many workflows."""

logger = logging.getLogger(__name__)

HEADROOM = 0.9
"""Google counts in a sliding minute, and an activity may need a second call."""


async def limit_google_calls(client: Client, *, per_user_minute: int, per_project_minute: int) -> None:
    """Holds calls to Google under the quota of the project, and of each connection, its fairness key."""
    request = UpdateTaskQueueConfigRequest(
        namespace=client.namespace,
        identity=client.identity,
        task_queue=GOOGLE,
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        update_queue_rate_limit=_limit(per_project_minute),
        update_fairness_key_rate_limit_default=_limit(per_user_minute),
    )
    try:
        await client.workflow_service.update_task_queue_config(request)
    except RPCError as error:
        # Google's own refusals still slow us down; better to work without fairness than not at all.
        logger.warning("this Temporal server keeps no rate limits for us (%s): %s", error.status.name, error.message)


def _limit(per_minute: int) -> UpdateTaskQueueConfigRequest.RateLimitUpdate:
    return UpdateTaskQueueConfigRequest.RateLimitUpdate(
        rate_limit=RateLimit(requests_per_second=per_minute * HEADROOM / 60), reason="Google's quota"
    )
