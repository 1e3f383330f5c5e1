import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic

import pytest
from temporalio import activity, workflow
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
