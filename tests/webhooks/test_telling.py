"""Telling the platform from a workflow: again and again until it accepts."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.worker import Worker

from activities.webhooks import WebhookActivities
from slotsync.clock import utc_now
from slotsync.secrets import Vault
from slotsync.store import Store
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.temporal import queues
from tests.platform import running_platform
from tests.servers import real_time
from tests.world import settings_for
from workflows.telling import deliver

pytestmark = pytest.mark.anyio

BODY = '{"type": "conflict.found", "timestamp": "2026-11-22T12:00:00Z", "data": {"item": "1"}}'


@workflow.defn(sandboxed=False)
class Teller:
    """Tells the platform one thing after the other."""

    @workflow.run
    async def run(self, message_ids: list[str]) -> None:
        for each in message_ids:
            await deliver(each, f"Tell {each}")


async def test_messages_arrive_in_order_though_the_platform_fails_at_first(vault: Vault, tmp_path: Path) -> None:
    with running_platform() as platform:
        settings = platform.settings(settings_for("", tmp_path))
        store = Store.open(settings.database_url)
        store.upgrade()
        with store.write() as connection:
            for each in ("m-1", "m-2"):
                WebhookMessages(store, vault).put(connection, each, "m", BODY, utc_now())
        platform.fail(503, times=1)
        platform.lose_answers(1)
        webhooks = WebhookActivities(settings, store, vault)
        async with (
            real_time(vault) as client,
            Worker(client, task_queue=queues.WORKFLOWS, workflows=[Teller]),
            Worker(client, task_queue=queues.LONG, activities=[webhooks.deliver_webhook]),
        ):
            await client.execute_workflow(Teller.run, ["m-1", "m-2"], id="teller", task_queue=queues.WORKFLOWS)
        await webhooks.aclose()
        store.close()
    assert [attempt.id for attempt in platform.attempts] == ["m-1", "m-1", "m-1", "m-2"]
    assert [told["id"] for told in platform.messages] == ["m-1", "m-1", "m-2"]
    assert {attempt.body for attempt in platform.attempts} == {BODY}
