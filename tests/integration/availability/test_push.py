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
from tests.support.availability_webhooks import HOUR, TOMORROW, closed_from, until_received
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.samples import EMAIL, MERCHANT
from tests.support.serving import listening_socket, serving
from tests.support.settings import KEY
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.anyio

FAR_CHUNKS = 9
"""Beyond the near days, a storm is read once a minute."""


@pytest.fixture
async def availability(
    local_google: RunningLocalGoogle, webhooks: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[AvailabilityWorld]:
    """A merchant that is polled every minute, with push: the workers and the API run."""
    taken, url = listening_socket()
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    async with (
        running_temporal_server() as client,
        open_availability_world(
            local_google,
            vault,
            client,
            webhooks,
            tmp_path,
            key=key,
            poll_seconds=60,
            public_url=url,
            api_keys=(SecretStr(KEY),),
        ) as built,
    ):
        world = built.world
        async with serving(Services.create(world.settings, world.store, world.client), taken), world.working():
            yield built


async def pushed(availability: AvailabilityWorld, count: int) -> None:
    """Wait until this many calendars have an open channel and were read after their newest notification."""
    world = availability.world
    connection_id = Connections(world.store, world.vault).get_active_id(MERCHANT)
    assert connection_id

    async def so() -> bool:
        watched = WatchedAccounts(world.store, world.vault).get_calendars(connection_id)
        return (
            sum(each.pushed and bool(each.notified_at and each.attempts[0].at > each.notified_at) for each in watched)
            == count
        )

    await until(so, 30)


async def test_a_push_is_read_and_published_long_before_the_next_poll(availability: AvailabilityWorld) -> None:
    await availability.block(EMAIL)
    await pushed(availability, 1)
    event = await availability.busy(TOMORROW, TOMORROW + HOUR)
    await until_received(availability, 1)
    await closed_from(availability, TOMORROW)
    await availability.free(event)
    await until_received(availability, 2)
    await closed_from(availability)


async def test_a_storm_of_pushes_causes_few_readings_and_the_last_change_is_seen(
    availability: AvailabilityWorld,
) -> None:
    await availability.block(EMAIL)
    await pushed(availability, 1)
    before = await availability.count_calls("freebusy.query")
    for _ in range(100):
        await availability.free(await availability.busy(TOMORROW, TOMORROW + HOUR))
    await availability.busy(TOMORROW + HOUR, TOMORROW + 2 * HOUR)
    await closed_from(availability, TOMORROW + HOUR)
    assert await availability.count_calls("freebusy.query") - before < 20 + FAR_CHUNKS


async def test_a_calendar_that_refuses_push_is_polled_and_not_asked_again(availability: AvailabilityWorld) -> None:
    await availability.world.fault(method="events.watch", kind="pushNotSupportedForRequestedResource", count=1000)
    family = await availability.calendar("Family")
    await availability.block(family)

    async def refused() -> bool:
        return await availability.count_calls("events.watch") == 1

    await until(refused, 30)
    await availability.world.heal()
    await availability.block(family, EMAIL)
    await pushed(availability, 1)
    assert await availability.count_calls("events.watch") == 2


async def test_an_unpicked_calendars_channel_is_stopped(availability: AvailabilityWorld) -> None:
    await availability.block(EMAIL)
    await pushed(availability, 1)
    await availability.block()

    async def stopped() -> bool:
        return await availability.count_calls("channels.stop") == 1

    await until(stopped, 30)


async def test_a_push_that_was_lost_while_the_api_was_down_is_made_up_for_when_it_starts(
    local_google: RunningLocalGoogle, webhooks: WebhookReceiver, tmp_path: Path
) -> None:
    taken, url = listening_socket()
    again, key = taken.dup(), Fernet.generate_key().decode()
    settings = {"poll_seconds": 60, "public_url": url, "api_keys": (SecretStr(KEY),)}
    async with (
        running_temporal_server() as client,
        open_availability_world(
            local_google, Vault([key]), client, webhooks, tmp_path, key=key, **settings
        ) as availability,
        availability.world.working(),
    ):
        world = availability.world
        async with serving(Services.create(world.settings, world.store, world.client), taken):
            await availability.block(EMAIL)
            await pushed(availability, 1)
        await world.fault(method="events.watch", kind="lost_push", count=1)
        await availability.busy(TOMORROW, TOMORROW + HOUR)

        async def lost() -> bool:
            faults = (await world.http.get("/sandbox/faults")).raise_for_status().json()["items"]
            return not any(each["left"] for each in faults)

        await until(lost, 10)
        async with serving(Services.create(world.settings, world.store, world.client), again):
            await closed_from(availability, TOMORROW, within=20)
