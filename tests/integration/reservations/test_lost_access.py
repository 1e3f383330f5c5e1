"""What has to go from a calendar of ours that is out of reach, or may only be read, is told until it is gone."""

from functools import partial

import pytest

from slotsync.domain.calendars.owner import GuestData
from tests.support.samples import MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.two_calendars import (
    BOAT,
    OTHER_EMAIL,
    book,
    connect,
    drag_to_the_boat,
    is_owed,
    is_settled,
    out_of_reach,
    status,
    titles_in,
)
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def are_gone(world: World, calendar: str, *names: str, titles: list[str]) -> bool:
    """Sweep, and return whether the calendar has these titles, and all reservations are settled, with no remedy."""
    await sweep(world, everything=True)
    found = [await status(world, name) for name in names]
    done = all(each.settled and not each.remedy for each in found)
    return done and await titles_in(world, calendar) == titles


async def is_refused(world: World, name: str) -> bool:
    """Return whether the reservation is held up since the account may not write, and it says so."""
    found = await status(world, name)
    refused = {each.last_error for each in found.events} == {"requiredAccessLevel"}
    return refused and not found.settled


async def book_and_drag(world: World, boat: str) -> None:
    """Book three events of a guest, and drag them to the boat's calendar."""
    for name in ("R-1", "R-2", "R-3"):
        await world.slotsync.report(snapshot(1, name=name, title=name, guest={"name": "Ann Secret"}))
        await world.settled(1, name)
        await drag_to_the_boat(world, name)
    assert await titles_in(world, boat) == ["R-1", "R-2", "R-3", "R-9 v1"]


async def change(world: World) -> None:
    await world.slotsync.report(snapshot(2, name="R-1", title="R-1"))
    await world.slotsync.cancel(MERCHANT, "R-2", version=2)


async def test_what_was_dragged_to_a_calendar_that_may_only_be_read_is_refused_until_it_may_be_written_again(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        boat = (await two_calendars.calendars())[BOAT.id]
        await book_and_drag(two_calendars, boat)
        async with out_of_reach(two_calendars, boat, role="reader"):
            await change(two_calendars)
            await two_calendars.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data=GuestData.BUSY))
            for name in ("R-1", "R-2", "R-3"):
                await until(partial(is_refused, two_calendars, name), 20)
        await until(partial(are_gone, two_calendars, boat, "R-1", "R-2", "R-3", titles=["R-9 v1"]), 60)


async def test_what_was_dragged_to_a_calendar_out_of_reach_is_owed_until_it_is_back_and_both_are_on(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        boat = (await two_calendars.calendars())[BOAT.id]
        await book_and_drag(two_calendars, boat)
        async with out_of_reach(two_calendars, boat):
            await change(two_calendars)
            for name in ("R-1", "R-2"):
                await until(partial(is_owed, two_calendars, name))
            await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await sweep(two_calendars, everything=True)
        assert [await is_owed(two_calendars, name) for name in ("R-1", "R-2")] == [True, True]
        await two_calendars.slotsync.turn_on(MERCHANT, TOUR)
        await until(partial(are_gone, two_calendars, boat, "R-1", "R-2", titles=["R-3", "R-9 v1"]), 20)


async def test_what_seemed_deleted_with_its_calendar_is_owed_once_that_is_off_until_it_is_on_and_back(
    two_calendars: World,
) -> None:
    slotsync = two_calendars.slotsync
    async with two_calendars.working():
        for name in ("R-1", "R-2"):
            await book(two_calendars, name)
        await book(two_calendars, "R-3", item(BOAT.id))
        calendars = await two_calendars.calendars()
        tour, boat = calendars[TOUR.id], calendars[BOAT.id]
        async with out_of_reach(two_calendars, tour), out_of_reach(two_calendars, boat):
            for name in ("R-1", "R-2", "R-3"):
                await slotsync.cancel(MERCHANT, name, version=2)
                await until(partial(is_settled, two_calendars, name))
            await slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
            await slotsync.delete_owner(MERCHANT, BOAT, remove_events=False)
            for name in ("R-1", "R-2", "R-3"):
                await until(partial(is_owed, two_calendars, name))
        await slotsync.cancel(MERCHANT, "R-1", version=3)
        await sweep(two_calendars, everything=True)
        assert [await is_owed(two_calendars, name) for name in ("R-1", "R-2", "R-3")] == [True, True, True]
        await slotsync.turn_on(MERCHANT, TOUR)
        await slotsync.put_owner(MERCHANT, BOAT, settings_of(BOAT))
        await until(partial(are_gone, two_calendars, tour, "R-1", "R-2", titles=[]), 20)
        await until(partial(are_gone, two_calendars, boat, "R-3", titles=[]), 20)


async def test_what_seemed_deleted_with_its_calendar_is_owed_under_another_account_until_the_first_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        tour = (await two_calendars.calendars())[TOUR.id]
        async with out_of_reach(two_calendars, tour):
            await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
            await until(partial(is_settled, two_calendars, "R-1"))
            await connect(two_calendars, OTHER_EMAIL)
            await sweep(two_calendars)
            await until(partial(is_owed, two_calendars, "R-1"))
        await connect(two_calendars)
        await until(partial(are_gone, two_calendars, tour, "R-1", titles=[]), 20)
