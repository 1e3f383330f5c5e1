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
from slotsync.temporal import queues
from tests.support.migrated_databases import open_migrated
from tests.support.settings import settings_for
from tests.support.stored_messages import KEY, put_message
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver, running_webhook_receiver
from workflows.steps.webhooks import deliver_next

pytestmark = pytest.mark.anyio

BODY = '{"type": "conflict.found", "timestamp": "2026-11-22T12:00:00Z", "data": {"item": "1"}}'


@workflow.defn(sandboxed=False)
class Teller:
    """Delivers messages in order, and returns how many were left after each, until it was cancelled."""

    def __init__(self) -> None:
        self._telling: asyncio.Task[None] | None = None
        self._left: list[int] = []

    @workflow.run
    async def run(self) -> list[int]:
        self._telling = asyncio.create_task(self._tell())
        with suppress(asyncio.CancelledError):
            await self._telling
        return self._left

    @workflow.signal
    def call_back(self) -> None:
        if self._telling:
            self._telling.cancel()

    async def _tell(self) -> None:
        while not self._left or self._left[-1]:
            self._left.append(await deliver_next(KEY, "Tell the next"))


@pytest.fixture
def webhooks() -> Iterator[WebhookReceiver]:
    with running_webhook_receiver() as running:
        yield running


@pytest.fixture
async def temporal_client(webhooks: WebhookReceiver, vault: Vault, tmp_path: Path) -> AsyncIterator[Client]:
    """The client of running workers, with two messages to deliver."""
    settings = webhooks.settings(settings_for("", tmp_path))
    store = open_migrated(settings.database_url)
    for number in (1, 2):
        put_message(store, vault, f"m-{number}", BODY, utc_now(), number=number)
    delivering = WebhookActivities(settings, store, vault)
    async with (
        running_temporal_server() as client,
        Worker(client, task_queue=queues.WORKFLOWS, workflows=[Teller]),
        Worker(client, task_queue=queues.LONG, activities=[delivering.deliver_webhook]),
    ):
        yield client
    await delivering.aclose()
    store.close()


async def start(temporal_client: Client) -> WorkflowHandle[Teller, list[int]]:
    return await temporal_client.start_workflow(Teller.run, id="teller", task_queue=queues.WORKFLOWS)


async def test_messages_arrive_in_order_though_the_platform_fails_at_first(
    temporal_client: Client, webhooks: WebhookReceiver
) -> None:
    webhooks.fail(503, times=1)
    webhooks.lose_answers(1)
    assert await (await start(temporal_client)).result() == [1, 0]
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
    assert (await teller.result())[:1] == [1]


async def test_a_message_on_its_way_that_is_called_back_and_refused_is_sent_no_more(
    temporal_client: Client, webhooks: WebhookReceiver
) -> None:
    webhooks.fail(503)
    with webhooks.held_up() as arrived:
        teller = await start(temporal_client)
        await until(arrived)
        await teller.signal(Teller.call_back)
        await until(lambda: was_called_back(teller))
    assert await teller.result() == []
    assert len(webhooks.attempts) == 1


async def was_called_back(teller: WorkflowHandle[Teller, list[int]]) -> bool:
    history = await teller.fetch_history()
    return any(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED for event in history.events)
