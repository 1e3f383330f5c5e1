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


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant(TOUR, BOAT)
    return world


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


async def test_an_event_with_a_property_of_another_program_is_neither_doubled_nor_left(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-9", item(BOAT.id))
        await book(open_world, "R-1")
        boat = (await open_world.calendars())[BOAT.id]
        await set_properties(open_world, "R-1 v1", reservation="T-7", version="20301231")
        await drag_to_the_boat(open_world, "R-1 v1")
        await book(open_world, "R-1", version=2)
        assert (await open_world.titles(), await titles_in(open_world, boat)) == (["R-1 v2"], ["R-9 v1"])
        await drag_to_the_boat(open_world, "R-1 v2")
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=3)
        await open_world.settled(3, "R-1")
        assert (await open_world.titles(), await titles_in(open_world, boat)) == ([], ["R-9 v1"])


async def test_an_event_of_the_first_format_in_a_former_calendar_goes_whatever_version_another_program_wrote_there(
    open_world: World,
) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        former = (await open_world.calendars())[TOUR.id]
        await set_first_format(open_world, "R-1 v1", version="20301231")
        async with out_of_reach(open_world, former):
            await book(open_world, "R-1", version=2)
        await look_at_the_calendar(open_world)
        await until_titles_in(open_world, former, [])


async def test_a_description_that_people_wrote_stays_where_the_level_of_guest_data_writes_none(
    open_world: World,
) -> None:
    async def described(description: str | None) -> bool:
        shown = [(each.get("description"), each["summary"]) for each in await open_world.events()]
        return shown == [(description, "Reserved")]

    async with open_world.working():
        await book(open_world, "R-1")
        await _change(open_world, "R-1 v1", description="Reservation R-1, allergic")
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data=GuestData.BUSY))
        await until(partial(described, None))
        await _change(open_world, "Reserved", description="Bring lunch")
        await book(open_world, "R-1", item(day=2), version=2)
        assert await described("Bring lunch")
