"""Further ways in which an event's calendar gets out of reach while the event has to go."""

import pytest

from slotsync.domain.calendars.owner import Owner, OwnerChanges
from slotsync.temporal.signals import signal_connection
from tests.support.managed_calendars import shown
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

BOAT = Owner.product("boat")


async def test_what_lost_its_resource_was_paused_or_lost_its_product_goes_once_its_calendar_is_back(
    world: World,
) -> None:
    await world.add_merchant(TOUR, GUIDE, BOAT)
    slotsync = world.slotsync
    async with world.working():
        await slotsync.report(snapshot(1, item(resources=["guide-1"]), name="resource", title="resource"))
        await slotsync.report(snapshot(1, name="paused", title="paused"))
        await slotsync.report(snapshot(1, item(BOAT.id), name="product", title="product"))
        await shown(world, GUIDE, ["resource"])
        await shown(world, TOUR, ["paused", "resource"])
        await shown(world, BOAT, ["product"])
        await slotsync.turn_off(MERCHANT, remove_events=False)
        await slotsync.delete_owner(MERCHANT, BOAT, remove_events=False)
        await slotsync.report(snapshot(2, name="resource", title="resource"))
        await slotsync.cancel(MERCHANT, "paused", version=2)
        await slotsync.cancel(MERCHANT, "product", version=2)
        await slotsync.put_owner(MERCHANT, BOAT, settings_of(BOAT))
        await slotsync.turn_on(MERCHANT)
        await shown(world, GUIDE, [])
        await shown(world, TOUR, ["resource"])
        await shown(world, BOAT, [])

        async def settled() -> bool:
            found = [await slotsync.status(MERCHANT, name) for name in ("resource", "paused", "product")]
            return all(each and each.settled for each in found)

        await until(settled)


async def test_what_was_cancelled_without_a_grant_goes_once_there_is_one_and_nothing_of_a_deleted_product_is_owed(
    world: World,
) -> None:
    await world.add_merchant(TOUR, BOAT)
    slotsync = world.slotsync
    async with world.working():
        await slotsync.report(snapshot(1, name="R-1"))
        await slotsync.report(snapshot(1, item(BOAT.id), name="R-2"))
        await world.settled(1, "R-1")
        await world.settled(1, "R-2")
        await slotsync.delete_owner(MERCHANT, BOAT, remove_events=True)
        await until(lambda: lost(world, BOAT))
        await slotsync.cancel(MERCHANT, "R-2", version=2)
        await world.settled(2, "R-2")
        (await world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")).raise_for_status()
        await slotsync.cancel(MERCHANT, "R-1", version=2)
        await world.connect()
        await signal_connection(world.client, MERCHANT, "granted")
        await shown(world, TOUR, [])
        await world.settled(2, "R-1")
        await slotsync.put_owner(MERCHANT, BOAT, OwnerChanges(name="boat"))
        await slotsync.report(snapshot(3, item(BOAT.id), name="R-2", title="again"))
        await shown(world, BOAT, ["again"])


async def lost(world: World, owner: Owner) -> bool:
    return owner.id not in await world.calendars()
