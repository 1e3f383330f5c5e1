"""A lowered level of guest data reaches events that people have restored, too."""

from functools import partial

import pytest

from slotsync.store.calendars.owners import Owners
from slotsync.temporal.signals import signal_connection
from tests.support.managed_calendars import shown
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of, snapshot
from tests.support.two_calendars import is_settled
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_restored_events_of_cancelled_bookings_go_when_the_level_is_lowered(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        await world.slotsync.report(snapshot(1, title="Mervi's kayaks"))
        await world.settled(1)
        (event,) = await world.events()
        await world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await world.settled(2)
        calendar = (await world.calendars())[TOUR.id]
        path = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events/{event['id']}/restore"
        (await world.http.post(path)).raise_for_status()
        await shown(world, TOUR, ["Mervi's kayaks"])
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await shown(world, TOUR, [])
        await until(partial(is_settled, world, "R-1"))
        looks = await world.calls("events.list")
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="full"))
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await until(partial(is_settled, world, "R-1"))
        assert await world.calls("events.list") == looks, "each is looked for once"


async def test_a_level_that_is_lowered_without_a_grant_reaches_what_was_deleted_once_there_is_one(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        for name in ("R-1", "R-2"):
            await world.slotsync.report(snapshot(1, name=name, title=name))
            await world.settled(1, name)
        (event,) = [each for each in await world.events() if each["summary"] == "R-1"]
        await world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await world.settled(2)
        calendar = (await world.calendars())[TOUR.id]
        path = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events/{event['id']}/restore"
        (await world.http.post(path)).raise_for_status()
        (await world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")).raise_for_status()
        await world.slotsync.cancel(MERCHANT, "R-2", version=2)
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await until(partial(_is_level_taken_up, world))
        assert await world.titles() == ["R-1", "R-2"]
        await world.connect()
        await signal_connection(world.client, MERCHANT, "granted")
        await shown(world, TOUR, [])
        await until(partial(is_settled, world, "R-1"))
        await until(partial(is_settled, world, "R-2"))


async def _is_level_taken_up(world: World) -> bool:
    intent = Owners(world.store).get_intent(MERCHANT, TOUR)
    assert intent
    return intent.applied_revision == intent.revision
