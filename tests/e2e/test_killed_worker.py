from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from starter.local.processes import slotsync_command
from tests.support.availability_webhooks import CHANGED, HOUR, TOMORROW, closed_from, news, starts, text, told
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.processes import Part, environment_of, ready_at_once
from tests.support.samples import EMAIL
from tests.support.temporal_servers import temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver
from workflows.steps.availability import SILENCE

pytestmark = pytest.mark.anyio

ELSEWHERE = SILENCE.total_seconds() + 15
"""The heartbeat time-out, and what a process and its first reading take."""


@asynccontextmanager
async def worker(shop: AvailabilityWorld, name: str) -> AsyncIterator[Part]:
    """A worker process that can be killed."""
    world = shop.world
    environment = environment_of(world.settings, world.client.service_client.config.target_host)
    async with AsyncExitStack() as at_end:
        part = Part(name, slotsync_command("worker"), world.settings.data_folder, environment, ready_at_once, at_end)
        await part.start()
        yield part


async def test_what_a_killed_worker_watched_and_told_goes_on_elsewhere_under_the_same_ids(
    google: RunningLocalGoogle, platform: WebhookReceiver, tmp_path: Path
) -> None:
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    async with (
        temporal_server(vault) as client,
        open_availability_world(google, vault, client, platform, tmp_path, key=key) as shop,
        AsyncExitStack() as others,
        worker(shop, "first") as first,
    ):
        await shop.block(EMAIL)
        await shop.busy(TOMORROW, TOMORROW + HOUR)
        await told(shop, 1)
        with platform.held_up() as arrived:
            await shop.busy(TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)
            await until(arrived, 30)
            await first.kill()
            await others.enter_async_context(worker(shop, "second"))
            await shop.busy(TOMORROW + 4 * HOUR, TOMORROW + 5 * HOUR)
        await closed_from(shop, *(TOMORROW + hours * HOUR for hours in (0, 2, 4)), within=ELSEWHERE)

        async def everything_told() -> bool:
            return {start for each in news(shop) for start in starts(each)} == {
                text(TOMORROW + hours * HOUR) for hours in (0, 2, 4)
            }

        await until(everything_told, 90)
    ids = {str(each["id"]): starts(each["data"]) for each in platform.told(CHANGED)}
    changed = [start for each in ids.values() for start in each]
    assert len(changed) == len(set(changed)), "no change is told under two ids"
