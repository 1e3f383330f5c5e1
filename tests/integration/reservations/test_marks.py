"""Marks of events beside what other programs and people write, in today's format and in the first one."""

from functools import partial
from typing import cast

import pytest
from sqlalchemy import text

from slotsync.domain.calendars.owner import GuestData
from tests.support.first_format import in_first_format
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of
from tests.support.two_calendars import (
    BOAT,
    book,
    drag_to_the_boat,
    look_at_the_calendar,
    out_of_reach,
    titles_in,
    until_titles_in,
)
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def set_properties(world: World, title: str, **theirs: str) -> None:
    """Have another program set private properties of the event with this title in the tour's calendar."""
    await _change(world, title, extendedProperties={"private": theirs})


async def set_first_format(world: World, title: str, **theirs: str) -> None:
    """Make the event one that slotsync wrote, and recorded, before its marks had names of their own."""
    (event,) = (each for each in await world.events() if each["summary"] == title)
    properties = cast("dict[str, dict[str, str]]", event["extendedProperties"])
    change = in_first_format(properties["private"], **theirs)
    await _change(world, title, extendedProperties={"private": change})
    with world.store.write() as connection:
        connection.execute(text("UPDATE synced_event SET first_format = true"))


async def _change(world: World, title: str, **change: object) -> None:
    """Change the event with this title in the tour's calendar."""
    (event,) = (each for each in await world.events() if each["summary"] == title)
    address = f"/sandbox/accounts/{EMAIL}/calendars/{(await world.calendars())[TOUR.id]}/events/{event['id']}"
    (await world.http.patch(address, json=change)).raise_for_status()


async def test_an_event_with_a_property_of_another_program_is_neither_doubled_nor_left(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await book(two_calendars, "R-1")
        boat = (await two_calendars.calendars())[BOAT.id]
        await set_properties(two_calendars, "R-1 v1", reservation="T-7", version="20301231")
        await drag_to_the_boat(two_calendars, "R-1 v1")
        await book(two_calendars, "R-1", version=2)
        assert (await two_calendars.titles(), await titles_in(two_calendars, boat)) == (["R-1 v2"], ["R-9 v1"])
        await drag_to_the_boat(two_calendars, "R-1 v2")
        await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=3)
        await two_calendars.settled(3, "R-1")
        assert (await two_calendars.titles(), await titles_in(two_calendars, boat)) == ([], ["R-9 v1"])


async def test_an_event_of_the_first_format_in_a_former_calendar_goes_whatever_version_another_program_wrote_there(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        former = (await two_calendars.calendars())[TOUR.id]
        await set_first_format(two_calendars, "R-1 v1", version="20301231")
        async with out_of_reach(two_calendars, former):
            await book(two_calendars, "R-1", version=2)
        await look_at_the_calendar(two_calendars)
        await until_titles_in(two_calendars, former, [])


async def test_a_description_that_people_wrote_stays_where_the_level_of_guest_data_writes_none(
    two_calendars: World,
) -> None:
    async def described(description: str | None) -> bool:
        shown = [(each.get("description"), each["summary"]) for each in await two_calendars.events()]
        return shown == [(description, "Reserved")]

    async with two_calendars.working():
        await book(two_calendars, "R-1")
        await _change(two_calendars, "R-1 v1", description="Reservation R-1, allergic")
        await two_calendars.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data=GuestData.BUSY))
        await until(partial(described, None))
        await _change(two_calendars, "Reserved", description="Bring lunch")
        await book(two_calendars, "R-1", item(day=2), version=2)
        assert await described("Bring lunch")
