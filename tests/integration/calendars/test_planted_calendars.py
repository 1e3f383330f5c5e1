"""Calendars that carry our mark and are somebody else's: nothing of a merchant is written to them."""

from functools import partial

import pytest

from slotsync.domain.availability.blocking import CALENDAR_MARK
from slotsync.domain.content_hashes import HASH_PREFIX
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.temporal.signals import signal_connection
from tests.support.managed_calendars import in_google
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, snapshot
from tests.support.sharing import describe, share, titles_in_calendar
from tests.support.two_calendars import BOAT, book
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

THIEF, BUYER = "thief@example.com", "buyer@example.com"
MARK = CalendarSpec(merchant=MERCHANT, owner=TOUR, name="", time_zone="UTC").mark


async def test_bookings_do_not_go_to_a_calendar_that_another_merchant_has_marked_and_shared(world: World) -> None:
    await world.http.post("/sandbox/accounts", json={"email": EMAIL})
    async with world.working():
        await world.add_merchant(TOUR, merchant="thief", email=THIEF)
        await world.slotsync.report(snapshot(1, merchant="thief", title="Bait"))
        await world.settled(1, merchant="thief")
        (planted,) = (await world.calendars(THIEF)).values()
        await describe(world, planted, THIEF, f"Our tours\n{MARK}")
        await share(world, planted, THIEF, to=EMAIL)
        await world.add_merchant(TOUR)
        await world.slotsync.report(snapshot(1, title="Kayaks for Mervi"))
        await world.settled(1)
        assert await titles_in_calendar(world, planted, THIEF) == ["Bait"]
        assert await world.titles() == ["Kayaks for Mervi"]
        (own,) = await in_google(world)
        keyed = [line for line in own["description"].splitlines() if line.startswith(f"{CALENDAR_MARK}{HASH_PREFIX}")]
        assert len(keyed) == 1, "it has the mark that nobody else can make"


async def test_after_a_change_of_account_the_former_accounts_shared_calendar_is_not_used_and_what_is_left_goes(
    world: World,
) -> None:
    await world.http.post("/sandbox/accounts", json={"email": BUYER})
    async with world.working():
        await world.add_merchant(TOUR)
        await world.slotsync.report(snapshot(1, title="Booked before"))
        await world.settled(1)
        (sold,) = (await world.calendars()).values()
        assert await titles_in_calendar(world, sold, EMAIL) == ["Booked before"]
        await share(world, sold, EMAIL, to=BUYER)
        await world.connect(MERCHANT, BUYER)
        await signal_connection(world.client, MERCHANT, "granted")
        await world.slotsync.report(snapshot(1, title="Guest of the buyer", name="R-2"))
        await world.settled(1, "R-2")
        await until(partial(titles_are, world, ["Booked before", "Guest of the buyer"]))
        assert "Guest of the buyer" not in await titles_in_calendar(world, sold, EMAIL)
        await world.slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
        await until(partial(has_no_calendar, world))
        await until(partial(is_empty, world, sold))  # only its data owner can delete it, so the events are


async def test_calendars_that_are_marked_by_hand_and_closed_to_us_hold_up_no_booking(world: World) -> None:
    for email in (EMAIL, THIEF):
        await world.http.post("/sandbox/accounts", json={"email": email})
        body = {"summary": f"Festival of {email}", "description": f"Dates\n{MARK}"}
        made = (await world.http.post(f"/sandbox/accounts/{email}/calendars", json=body)).raise_for_status().json()
        if email != EMAIL:
            await share(world, made["id"], email, to=EMAIL)
    async with world.working():
        await world.add_merchant(TOUR)
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
    assert await world.titles() == ["v1"]
    assert await world.calls("calendars.insert") == 1


async def test_a_mark_in_the_calendar_of_another_product_draws_no_bookings_there(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        tours = (await two_calendars.calendars())[TOUR.id]
        boat_mark = CalendarSpec(merchant=MERCHANT, owner=BOAT, name="", time_zone="UTC").mark
        await describe(two_calendars, tours, EMAIL, f"Written by a guide\n{boat_mark}")
        await book(two_calendars, "R-2", item(BOAT.id))
        assert await two_calendars.titles(TOUR) == ["R-1 v1"]
        assert await two_calendars.titles(BOAT) == ["R-2 v1"]


async def titles_are(world: World, titles: list[str]) -> bool:
    return await world.titles(email=BUYER) == titles


async def has_no_calendar(world: World) -> bool:
    return not await world.calendars(BUYER)


async def is_empty(world: World, calendar_id: str) -> bool:
    return not await titles_in_calendar(world, calendar_id, EMAIL)
