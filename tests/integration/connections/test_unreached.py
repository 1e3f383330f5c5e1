"""What has to go from a calendar out of reach is owed, also once the merchant has left."""

from functools import partial

import pytest

from slotsync.domain.connections.connection import APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.reservations.event import SyncState
from slotsync.store.calendars.owners import Owners
from tests.support.connection_harness import ConnectionHarness
from tests.support.managed_calendars import shown
from tests.support.samples import MERCHANT, TOUR, item, settings_of
from tests.support.two_calendars import BOAT, book, is_owed, is_settled, states
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


async def test_what_was_cancelled_and_google_does_not_let_slotsync_delete_is_owed_after_a_disconnection(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    for owner in (TOUR, BOAT):
        Owners(world.store).put(MERCHANT, owner, settings_of(owner))
    async with world.working():
        await connecting_merchant.connected()
        await book(world, "parked")
        await book(world, "paused", item(BOAT.id))
        await world.slotsync.turn_off(MERCHANT, BOAT, remove_events=False)
        await world.slotsync.cancel(MERCHANT, "paused", version=2)
        await until(partial(is_owed, world, "paused"))
        ticked = frozenset({CALENDAR_LIST, EVENTS_FREEBUSY})
        assert APP_CREATED not in ticked
        await connecting_merchant.confirmed(await connecting_merchant.consent(ticked=ticked))
        await world.slotsync.cancel(MERCHANT, "parked", version=2)

        async def parked() -> bool:
            return await states(world, "parked") == {SyncState.PARKED}

        await until(parked)
        result = await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE)
        assert result
        assert set(result.out_of_reach) == {TOUR, BOAT}
        for name in ("parked", "paused"):
            await until(partial(is_owed, world, name))
        assert (await world.titles(), await world.titles(BOAT)) == (["parked v1"], ["paused v1"])
        await connecting_merchant.connected()
        await world.slotsync.turn_on(MERCHANT, BOAT)
        await shown(world, TOUR, [])
        await shown(world, BOAT, [])
        for name in ("parked", "paused"):
            await until(partial(is_settled, world, name))
