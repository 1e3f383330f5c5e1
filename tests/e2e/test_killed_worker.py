from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from starter.local.processes import slotsync_command
from tests.support.availability_webhooks import (
    CHANGED,
    HOUR,
    TOMORROW,
    closed_from,
    received_messages,
    starts,
    text,
    until_received,
)
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.processes import Part, environment_of, ready_at_once
from tests.support.samples import EMAIL
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver
from workflows.steps.availability import WATCH_HEARTBEAT_TIMEOUT

pytestmark = pytest.mark.anyio

ELSEWHERE = WATCH_HEARTBEAT_TIMEOUT.total_seconds() + 15
"""The heartbeat time-out, and what a process and its first reading take."""


@asynccontextmanager
async def worker(availability: AvailabilityWorld, name: str) -> AsyncIterator[Part]:
    """Yield a worker process that can be killed."""
    world = availability.world
    environment = environment_of(world.settings, world.client.service_client.config.target_host)
    async with AsyncExitStack() as at_end:
        folder = world.settings.data_folder
        part = Part(name, slotsync_command("worker"), folder, environment, ready_at_once, at_end, killed_at_end=True)
        await part.start()
        yield part


async def test_another_worker_continues_for_a_killed_one_with_the_same_message_ids(
    local_google: RunningLocalGoogle, webhooks: WebhookReceiver, tmp_path: Path
) -> None:
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    async with (
        running_temporal_server() as client,
        open_availability_world(local_google, vault, client, webhooks, tmp_path, key=key) as availability,
        AsyncExitStack() as others,
        worker(availability, "first") as first,
    ):
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_received(availability, 1)
        with webhooks.held_up() as arrived:
            await availability.busy(TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)
            await until(arrived, 30)
            await first.kill()
            await others.enter_async_context(worker(availability, "second"))
            await availability.busy(TOMORROW + 4 * HOUR, TOMORROW + 5 * HOUR)
        await closed_from(availability, *(TOMORROW + hours * HOUR for hours in (0, 2, 4)), within=ELSEWHERE)

        async def everything_told() -> bool:
            return {start for each in received_messages(availability) for start in starts(each)} == {
                text(TOMORROW + hours * HOUR) for hours in (0, 2, 4)
            }

        await until(everything_told, 90)
    ids = {str(each["id"]): starts(each["data"]) for each in webhooks.messages_of_type(CHANGED)}
    changed = [start for each in ids.values() for start in each]
    assert len(changed) == len(set(changed)), "no change is told under two ids"
