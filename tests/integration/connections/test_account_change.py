"""A change of account ends what the former one was used for: its push channels, then its grant."""

import asyncio

import pytest

from slotsync.clock import utc_now
from slotsync.domain.availability.push_channels import Channel
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.opened_channels import stopped, watched
from tests.support.parked_reservations import open_tours, report_reservations, until_all_settled
from tests.support.push_receiver import PushReceiver
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def change_account(connecting_merchant: ConnectionHarness) -> None:
    await connecting_merchant.connected(OTHER)


def channels_of(world: World, merchant: str) -> list[Channel]:
    connection_id = Connections(world.store, world.vault).get_active_id(merchant)
    assert connection_id
    return PushChannels(world.store, world.vault).get_connection_channels(connection_id)


async def test_a_change_of_account_stops_the_channels_of_the_former_one_and_then_gives_its_grant_back(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    await asyncio.to_thread(watched, world, push_receiver, MERCHANT)
    await change_account(connecting_merchant)
    assert await stopped(world) == [204]
    assert await connecting_merchant.calls("oauth2.revoke") == 1


async def test_a_change_during_a_disconnection_stops_the_channels_and_gives_the_grant_back_too(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    await asyncio.to_thread(watched, world, push_receiver, MERCHANT)
    assert Disconnections(world.store, world.vault).request(MERCHANT, CalendarChoice.KEEP, utc_now())
    await change_account(connecting_merchant)
    assert await stopped(world) == [204]
    assert await connecting_merchant.calls("oauth2.revoke") == 1


async def test_of_a_shared_account_a_change_stops_only_the_own_channels(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    await connecting_merchant.connected(EMAIL, merchant="neighbour")
    channels = await asyncio.to_thread(watched, world, push_receiver, MERCHANT, "neighbour")
    await change_account(connecting_merchant)
    assert await stopped(world) == [204]
    assert await connecting_merchant.calls("oauth2.revoke") == 0
    assert channels_of(world, "neighbour") == [channels["neighbour"]]


@pytest.mark.parametrize("lost", ["channels.stop fails", "the grant is dead"])
async def test_channels_that_cannot_be_stopped_hold_up_no_change(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver, lost: str
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    await asyncio.to_thread(watched, world, push_receiver, MERCHANT)
    if lost == "the grant is dead":
        await connecting_merchant.revoke()
    else:
        await world.fault(method="channels.stop", kind="backendError", count=100)
    await change_account(connecting_merchant)
    assert (await connecting_merchant.service.view(MERCHANT)).account == OTHER
    assert channels_of(world, MERCHANT) == []


@pytest.mark.parametrize("email", [EMAIL, OTHER])
async def test_after_a_disconnection_that_keeps_calendars_any_account_shows_all_reservations(
    connecting_merchant: ConnectionHarness, email: str
) -> None:
    world = connecting_merchant.world
    async with world.working():
        await open_tours(world)
        await connecting_merchant.connected()
        await report_reservations(world, 1, 2)
        await until_all_settled(world, 1, 2)
        former = await world.calendars()
        assert await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.KEEP)
        assert not Connections(world.store, world.vault).is_account_used(EMAIL)
        await connecting_merchant.connected(email)
        await report_reservations(world, 2, 2)
        await until_all_settled(world, 2, 2)
        calendars = await world.calendars(email)
    assert [*calendars] == [TOUR.id]
    assert (calendars == former) is (email == EMAIL), "the former calendar is used again, and in no other account"
