"""Telling the platform from a workflow: again and again until it accepts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.webhooks import WebhookActivities
from slotsync.clock import utc_now
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.temporal import queues
from tests.support.settings import settings_for
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver, running_webhook_receiver
from workflows.steps.webhooks import deliver

pytestmark = pytest.mark.anyio

BODY = '{"type": "conflict.found", "timestamp": "2026-11-22T12:00:00Z", "data": {"item": "1"}}'


@workflow.defn(sandboxed=False)
class Teller:
    """Delivers messages in order, and returns those that were delivered before it was cancelled."""

    def __init__(self) -> None:
        self._telling: asyncio.Task[None] | None = None
        self._told: list[str] = []

    @workflow.run
    async def run(self, message_ids: list[str]) -> list[str]:
        self._telling = asyncio.create_task(self._tell(message_ids))
        with suppress(asyncio.CancelledError):
            await self._telling
        return self._told

    @workflow.signal
    def call_back(self) -> None:
        if self._telling:
            self._telling.cancel()

    async def _tell(self, message_ids: list[str]) -> None:
        for each in message_ids:
            await deliver(each, f"Tell {each}")
            self._told.append(each)


@pytest.fixture
def webhooks() -> Iterator[WebhookReceiver]:
    with running_webhook_receiver() as running:
        yield running


@pytest.fixture
async def temporal_client(webhooks: WebhookReceiver, vault: Vault, tmp_path: Path) -> AsyncIterator[Client]:
    """The client of running workers, with two messages to deliver."""
    settings = webhooks.settings(settings_for("", tmp_path))
    store = Store.open(settings.database_url)
    store.upgrade()
    with store.write() as connection:
        for each in ("m-1", "m-2"):
            WebhookMessages(store, vault).put(connection, each, "m", BODY, utc_now())
    delivering = WebhookActivities(settings, store, vault)
    async with (
        running_temporal_server(vault) as client,
        Worker(client, task_queue=queues.WORKFLOWS, workflows=[Teller]),
        Worker(client, task_queue=queues.LONG, activities=[delivering.deliver_webhook]),
    ):
        yield client
    await delivering.aclose()
    store.close()


async def start(temporal_client: Client) -> WorkflowHandle[Teller, list[str]]:
    return await temporal_client.start_workflow(Teller.run, ["m-1", "m-2"], id="teller", task_queue=queues.WORKFLOWS)


async def test_messages_arrive_in_order_though_the_platform_fails_at_first(
    temporal_client: Client, webhooks: WebhookReceiver
) -> None:
    webhooks.fail(503, times=1)
    webhooks.lose_answers(1)
    assert await (await start(temporal_client)).result() == ["m-1", "m-2"]
    assert [attempt.id for attempt in webhooks.attempts] == ["m-1", "m-1", "m-1", "m-2"]
    assert [message["id"] for message in webhooks.messages] == ["m-1", "m-1", "m-2"]
    assert {attempt.body for attempt in webhooks.attempts} == {BODY}


async def test_a_message_that_waits_to_be_sent_again_can_be_called_back(
    temporal_client: Client, webhooks: WebhookReceiver
) -> None:
    webhooks.fail(404)
    teller = await start(temporal_client)

    async def tried() -> bool:
        return len(webhooks.attempts) == 1

    await until(tried)
    await teller.signal(Teller.call_back)
    assert await teller.result() == []
    assert webhooks.messages == []


async def test_a_message_on_its_way_that_is_called_back_is_known_to_have_arrived(
    temporal_client: Client, webhooks: WebhookReceiver
) -> None:
    with webhooks.held_up() as arrived:
        teller = await start(temporal_client)
        await until(arrived)
        await teller.signal(Teller.call_back)
        await until(lambda: was_called_back(teller))
    assert "m-1" in await teller.result()


async def was_called_back(teller: WorkflowHandle[Teller, list[str]]) -> bool:
    history = await teller.fetch_history()
    return any(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED for event in history.events)
