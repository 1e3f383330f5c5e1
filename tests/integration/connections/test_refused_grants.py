"""A grant that Google refuses is told, reminded of, tried again for a month, and heals by itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import TimeSkipper

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.refused_grants import DAY, REFUSED_GRANT_RETENTION
from slotsync.secrets import Vault
from slotsync.temporal.signals import signal_connection
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.refused_grants import flight, kept_tokens, refuse, state
from tests.support.samples import MERCHANT, snapshot
from tests.support.sweeping import sweep
from tests.support.temporal_servers import TimeSkippingServer
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.world import World

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


@pytest.fixture
async def platform(
    local_google: RunningLocalGoogle,
    vault: Vault,
    webhooks: WebhookReceiver,
    time_skipping_server: TimeSkippingServer,
    tmp_path: Path,
) -> AsyncIterator[AvailabilityWorld]:
    """A connected merchant with a reservation in Google, and the platform's receiver."""
    client = time_skipping_server.client
    async with (
        open_availability_world(local_google, vault, client, webhooks, tmp_path) as built,
        built.world.working(),
    ):
        await signal_connection(client, MERCHANT, "granted")
        await built.world.slotsync.report(snapshot(1))
        await built.world.settled(1)
        yield built


def told(platform: AvailabilityWorld) -> list[str]:
    return [each["type"] for each in platform.webhooks.messages if each["type"].startswith("connection.")]


@pytest.mark.parametrize("kind", ["admin_policy_enforced", "org_internal", "invalid_rapt", "invalid_grant"])
async def test_a_refusal_that_ends_within_minutes_heals_by_itself(
    kind: str, platform: AvailabilityWorld, skipper: TimeSkipper
) -> None:
    world = platform.world
    await refuse(world, kind)
    assert kept_tokens(world) == 1
    await world.heal()
    await skipper.fast_forward(flight(world), HOUR / 4)
    await world.settled(2)
    assert state(world) is ConnectionState.ACTIVE
    assert await world.titles() == ["v2"]


async def test_an_administrators_block_of_two_days_is_told_reminded_of_and_heals_by_itself(
    platform: AvailabilityWorld, skipper: TimeSkipper
) -> None:
    world = platform.world
    await refuse(world)
    await skipper.fast_forward(flight(world), 1.9 * DAY)
    assert state(world) is ConnectionState.REVOKED
    await world.heal()
    await skipper.fast_forward(flight(world), DAY)
    await world.settled(2)
    await until(lambda: is_told(platform, ["connection.revoked", "connection.reminder", "connection.active"]))
    revoked, reminder, active = [each["data"] for each in platform.webhooks.messages]
    assert (revoked["reason"], reminder["days"]) == ("admin_policy_enforced", 1)
    assert str(revoked["remedy"]).startswith("The administrator of the Google Workspace")
    assert active["caught_up"] in {1, 2}, "the reservation, and its calendar if that has noticed the refusal, too"


async def is_told(platform: AvailabilityWorld, types: list[str]) -> bool:
    return told(platform) == types


async def test_thirty_days_without_the_merchant_are_five_notices_and_the_end_of_the_token(
    platform: AvailabilityWorld, skipper: TimeSkipper
) -> None:
    world = platform.world
    await refuse(world, "invalid_grant")
    tries = await world.calls("oauth2.token")
    await skipper.fast_forward(flight(world), REFUSED_GRANT_RETENTION - HOUR)
    assert kept_tokens(world) == 1
    await skipper.fast_forward(flight(world), 2 * HOUR)
    await until(lambda: has_tokens(world, 0))
    assert told(platform) == ["connection.revoked", *["connection.reminder"] * 4]
    days = [each["data"]["days"] for each in platform.webhooks.messages if "days" in each["data"]]
    assert days == [1, 3, 7, 14]
    assert await world.calls("oauth2.token") - tries <= 33
    await world.heal()
    await world.connect()
    await signal_connection(world.client, MERCHANT, "granted")
    await world.settled(2)
    await until(lambda: is_told(platform, ["connection.revoked", *["connection.reminder"] * 4, "connection.active"]))


async def has_tokens(world: World, count: int) -> bool:
    return kept_tokens(world) == count


async def test_a_refused_grant_is_tried_again_also_after_its_workflow_was_terminated(
    platform: AvailabilityWorld, skipper: TimeSkipper
) -> None:
    world = platform.world
    await refuse(world)
    await flight(world).terminate("by mistake")
    await world.heal()

    async def swept() -> bool:
        return (await sweep(world, everything=True)).connections == 1  # the index learns of it late

    await until(swept)
    await skipper.fast_forward(flight(world), HOUR / 4)
    await world.settled(2)
    await until(lambda: is_told(platform, ["connection.revoked", "connection.active"]))
