"""What was cancelled while its calendar was paused is settled once our events are removed with the calendar."""

from functools import partial

import pytest
from sqlalchemy import text

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from tests.support.samples import MERCHANT, TOUR, item
from tests.support.sweeping import sweep
from tests.support.two_calendars import BOAT, book, is_owed, is_settled, states
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

CANOE = Owner.product("canoe")


async def test_what_was_cancelled_during_a_pause_is_settled_once_its_calendar_is_removed(world: World) -> None:
    await world.add_merchant(TOUR, BOAT, CANOE)
    slotsync = world.slotsync
    async with world.working():
        for owner in (TOUR, BOAT, CANOE):
            await book(world, owner.id, item(owner.id))
        await slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await slotsync.turn_off(MERCHANT, BOAT, remove_events=False)
        for owner in (TOUR, BOAT):
            await slotsync.cancel(MERCHANT, owner.id, version=2)
            await until(partial(is_owed, world, owner.id))
        await slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
        await until(partial(is_settled, world, TOUR.id))
        await slotsync.delete_owner(MERCHANT, BOAT, remove_events=True)
        await until(partial(is_settled, world, BOAT.id))
        await slotsync.turn_off(MERCHANT, remove_events=False)
        await slotsync.cancel(MERCHANT, CANOE.id, version=2)
        await until(partial(is_owed, world, CANOE.id))
        await slotsync.turn_off(MERCHANT, remove_events=True)
        await until(partial(is_settled, world, CANOE.id))
        assert await states(world, CANOE.id) == {SyncState.DELETED}
        assert await world.calendars() == {}
        # As a former version of slotsync has left them:
        with world.store.write() as connection:
            connection.execute(text("UPDATE reservation SET settled_version = 1"))
        assert not await is_settled(world, CANOE.id)
        await sweep(world, everything=True)
        for owner in (TOUR, BOAT, CANOE):
            await until(partial(is_settled, world, owner.id))
