import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from time import monotonic

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.worker import Worker

from slotsync.temporal import queues
from slotsync.temporal.queues import google_priority, limit_google_calls
from tests.support.temporal_servers import running_temporal_server

pytestmark = pytest.mark.anyio


@workflow.defn(sandboxed=False)
class Caller:
    """Calls Google many times at once, for a noisy connection and a quiet one."""

    @workflow.run
    async def run(self, calls: dict[str, int], each: int) -> None:
        await asyncio.gather(*(self._call(key, each) for key, count in calls.items() for _ in range(count)))

    async def _call(self, key: str, calls: int) -> None:
        await workflow.execute_activity(
            "call",
            key,
            task_queue=queues.GOOGLE,
            start_to_close_timeout=timedelta(minutes=1),
            priority=google_priority(1, key, calls),
        )


async def read_rate(client: Client) -> float:
    """Return how many calls a second the queue allows."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queues.GOOGLE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_config=True,
    )
    config = (await client.workflow_service.describe_task_queue(request)).config
    return float(config.queue_rate_limit.rate_limit.requests_per_second)


async def test_what_an_operator_holds_stays_held_while_workers_run_and_ends_with_the_next_start() -> None:
    limit = partial(limit_google_calls, per_user_minute=600, per_project_minute=10_000)
    async with running_temporal_server() as client:
        await limit(client)
        held = UpdateTaskQueueConfigRequest(
            namespace=client.namespace,
            task_queue=queues.GOOGLE,
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            update_queue_rate_limit=UpdateTaskQueueConfigRequest.RateLimitUpdate(
                rate_limit=RateLimit(requests_per_second=0.2), reason="Google is down"
            ),
        )
        await client.workflow_service.update_task_queue_config(held)
        await limit(client, keep_held=True)
        assert await read_rate(client) == pytest.approx(0.2, abs=0.01)
        await limit(client)
        assert await read_rate(client) == 150
        await limit_google_calls(client, per_user_minute=600, per_project_minute=20_000, keep_held=True)
        assert await read_rate(client) == 300, "nobody holds it"


@pytest.mark.parametrize(("activities", "each"), [(60, 1), (20, 3)])
async def test_a_noisy_connection_is_limited_to_its_rate_and_a_quiet_one_is_not_delayed(
    activities: int, each: int
) -> None:
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    counted: Counter[str] = Counter()

    @activity.defn
    def call(key: str) -> None:
        began.setdefault(key, monotonic())
        ended[key] = monotonic()
        counted[key] += 1

    async with running_temporal_server() as client:
        await limit_google_calls(client, per_user_minute=600, per_project_minute=10_000)  # 7.5 a second for each
        with ThreadPoolExecutor(32) as threads:
            workflows = Worker(client, task_queue=queues.WORKFLOWS, workflows=[Caller])
            google = Worker(
                client,
                task_queue=queues.GOOGLE,
                activities=[call],
                activity_executor=threads,
                max_concurrent_activities=32,
                disable_eager_activity_execution=True,
            )
            async with workflows, google:
                await client.execute_workflow(
                    Caller.run,
                    args=[{"noisy": activities, "quiet": 5}, each],
                    id="caller",
                    task_queue=queues.WORKFLOWS,
                )
    assert counted == {"noisy": activities, "quiet": 5}
    assert activities * each / (ended["noisy"] - began["noisy"]) < 10, "450 calls a minute and a small burst"
    assert ended["quiet"] < ended["noisy"] - 2
