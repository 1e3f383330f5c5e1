from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.connections.connections import Connections
from starter.bootstrap import Services
from tests.support.availability_webhooks import HOUR, TOMORROW, closed_from, told
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.samples import EMAIL, MERCHANT
from tests.support.serving import listening_socket, serving
from tests.support.temporal_servers import temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.anyio

FAR_CHUNKS = 9
"""Beyond the near days, a storm is read once a minute."""


@pytest.fixture
async def shop(
    google: RunningLocalGoogle, platform: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[AvailabilityWorld]:
    """A shop that polls every minute, and hears push: the workers run, and the API."""
    taken, url = listening_socket()
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    async with (
        temporal_server(vault) as client,
        open_availability_world(
            google,
            vault,
            client,
            platform,
            tmp_path,
            key=key,
            poll_seconds=60,
            public_url=url,
            api_keys=(SecretStr("key"),),
        ) as built,
    ):
        world = built.world
        async with serving(Services.of(world.settings, world.store, world.client), taken), world.working():
            yield built


async def pushed(shop: AvailabilityWorld, count: int) -> None:
    """Waits until Google tells of changes in so many calendars, and they were read once more since."""
    world = shop.world
    connection_id = Connections(world.store, world.vault).active_id(MERCHANT)
    assert connection_id

    async def so() -> bool:
        watched = WatchedAccounts(world.store, world.vault).calendars(connection_id)
        return (
            sum(each.pushed and bool(each.rung_at and each.attempts[0].at > each.rung_at) for each in watched) == count
        )

    await until(so, 30)


async def calls(shop: AvailabilityWorld, method: str) -> int:
    answer = (await shop.world.http.get("/sandbox/calls")).raise_for_status()
    return int(answer.json()["totals"].get(method, 0))


async def test_a_push_is_read_and_told_long_before_the_next_poll(shop: AvailabilityWorld) -> None:
    await shop.block(EMAIL)
    await pushed(shop, 1)
    event = await shop.busy(TOMORROW, TOMORROW + HOUR)
    await told(shop, 1)
    await closed_from(shop, TOMORROW)
    await shop.free(event)
    await told(shop, 2)
    await closed_from(shop)


async def test_a_storm_of_pushes_causes_few_readings_and_the_last_change_is_seen(shop: AvailabilityWorld) -> None:
    await shop.block(EMAIL)
    await pushed(shop, 1)
    before = await calls(shop, "freebusy.query")
    for _ in range(100):
        await shop.free(await shop.busy(TOMORROW, TOMORROW + HOUR))
    await shop.busy(TOMORROW + HOUR, TOMORROW + 2 * HOUR)
    await closed_from(shop, TOMORROW + HOUR)
    assert await calls(shop, "freebusy.query") - before < 20 + FAR_CHUNKS


async def test_a_calendar_that_refuses_push_is_polled_and_not_asked_again(shop: AvailabilityWorld) -> None:
    await shop.world.fault(method="events.watch", kind="pushNotSupportedForRequestedResource", count=1000)
    family = await shop.calendar("Family")
    await shop.block(family)

    async def refused() -> bool:
        return await calls(shop, "events.watch") == 1

    await until(refused, 30)
    await shop.world.heal()
    await shop.block(family, EMAIL)
    await pushed(shop, 1)
    assert await calls(shop, "events.watch") == 2


async def test_an_unpicked_calendars_channel_is_stopped(shop: AvailabilityWorld) -> None:
    await shop.block(EMAIL)
    await pushed(shop, 1)
    await shop.block()

    async def stopped() -> bool:
        return await calls(shop, "channels.stop") == 1

    await until(stopped, 30)
