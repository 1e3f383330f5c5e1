"""Events that people dragged to another of our calendars before anybody looked: the next version stands alone."""

from functools import partial

import pytest

from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.managed_calendars import delete_by_hand
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, snapshot
from tests.support.two_calendars import (
    BOAT,
    book,
    calendars_named,
    drag_to_the_boat,
    is_named,
    look_at_the_calendar,
    out_of_reach,
    titles_in,
    until_titles_in,
)
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def restore(world: World, title: str) -> None:
    """Take the event with this title out of the bin of the tour's calendar."""
    path = f"/sandbox/accounts/{EMAIL}/calendars/{(await world.calendars())[TOUR.id]}/events"
    listed = (await world.http.get(path, params={"showDeleted": "true"})).raise_for_status().json()["items"]
    (deleted,) = (each["id"] for each in listed if each["summary"] == title)
    (await world.http.post(f"{path}/{deleted}/restore")).raise_for_status()


async def report(world: World, *names: str, version: int, status: str = "confirmed") -> None:
    """Report this version of these reservations of the tour, and wait until all are settled."""
    for name in names:
        await world.slotsync.report(snapshot(version, name=name, title=f"{name} v{version}", status=status))
    for name in names:
        await world.settled(version, name)


async def make_the_calendar_anew(world: World) -> str:
    """Delete the tour's calendar by hand, have slotsync notice it, and return the id of the next one."""
    await delete_by_hand(world, TOUR)
    await look_at_the_calendar(world)
    await until(partial(is_named, world, "Sunset tour, renamed"))
    (current,) = await calendars_named(world, "Sunset tour, renamed")
    return current


async def test_an_older_generation_that_is_restored_and_dragged_goes_with_the_next_version(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await report(two_calendars, "R-1", version=1)
        await report(two_calendars, "R-1", version=2, status=ReservationStatus.CANCELLED)
        await report(two_calendars, "R-1", version=3)
        await restore(two_calendars, "R-1 v1")
        await drag_to_the_boat(two_calendars, "R-1 v1")
        await report(two_calendars, "R-1", version=4)
        assert await two_calendars.titles() == ["R-1 v4"]
        assert await two_calendars.titles(BOAT) == ["R-9 v1"]


async def test_what_was_restored_and_dragged_before_the_deletion_of_its_calendar_goes_with_the_next_version(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await report(two_calendars, "R-1", "R-2", version=1)
        await report(two_calendars, "R-1", "R-2", version=2, status=ReservationStatus.CANCELLED)
        for name in ("R-1", "R-2"):
            await restore(two_calendars, f"{name} v1")
            await drag_to_the_boat(two_calendars, f"{name} v1")
        current = await make_the_calendar_anew(two_calendars)
        await report(two_calendars, "R-1", version=3, status=ReservationStatus.CANCELLED)
        await report(two_calendars, "R-2", version=3)
        assert await titles_in(two_calendars, current) == ["R-2 v3"]
        assert await two_calendars.titles(BOAT) == ["R-9 v1"]


async def test_what_was_dragged_to_a_calendar_out_of_reach_before_the_deletion_of_its_own_goes_with_the_next_version(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await report(two_calendars, "R-1", version=1)
        await drag_to_the_boat(two_calendars, "R-1 v1")
        async with out_of_reach(two_calendars, (await two_calendars.calendars())[BOAT.id], role="reader"):
            current = await make_the_calendar_anew(two_calendars)
            await until_titles_in(two_calendars, current, ["R-1 v1"])
        await report(two_calendars, "R-1", version=2)
        assert await titles_in(two_calendars, current) == ["R-1 v2"]
        assert await two_calendars.titles(BOAT) == ["R-9 v1"]


async def test_where_an_event_was_found_that_google_does_not_let_us_delete_is_stored(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await book(two_calendars, "R-1")
        boat = (await two_calendars.calendars())[BOAT.id]
        await drag_to_the_boat(two_calendars, "R-1 v1")
        await two_calendars.fault(method="events.delete", kind="forbidden", probability=1, calendar=boat)
        await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
        events = SyncedEvents(two_calendars.store)

        async def stored() -> bool:
            (event,) = events.get_written(MERCHANT, "R-1")
            return event.duplicates_in == (boat,)

        await until(stored)
        await two_calendars.heal()
        await two_calendars.settled(2, "R-1")
        assert await titles_in(two_calendars, boat) == ["R-9 v1"]
