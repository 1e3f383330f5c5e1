"""A calendar that the account may only read is there: nothing is written elsewhere, and all goes on by itself."""

from functools import partial

import pytest

from slotsync.domain.reservations.event import EventKey, SyncState
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.managed_calendars import in_google
from tests.support.samples import EMAIL, MERCHANT, TOUR, snapshot
from tests.support.two_calendars import book, out_of_reach, status, titles_in
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

REASON = "requiredAccessLevel"
NAMES = ("changed", "searched", "cancelled")


async def delete_and_restore(world: World, calendar: str, name: str) -> None:
    """Have the event written in another generation, so that each later write of it looks for others first."""
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
    listed = (await world.http.get(address)).raise_for_status().json()["items"]
    (event,) = (each["id"] for each in listed if each["summary"] == f"{name} v1")
    (await world.http.delete(f"{address}/{event}")).raise_for_status()
    await book(world, name, version=2)


async def is_refused(world: World, name: str) -> bool:
    """Return whether the reservation is held up since the account may not write."""
    found = await status(world, name)
    return not found.settled and {each.last_error for each in found.events} == {REASON}


async def test_every_write_to_a_calendar_that_may_only_be_read_waits_until_it_may_be_written_again(
    two_calendars: World,
) -> None:
    slotsync = two_calendars.slotsync
    async with two_calendars.working():
        for name in NAMES:
            await book(two_calendars, name)
        calendar = (await two_calendars.calendars())[TOUR.id]
        for name in NAMES[1:]:
            await delete_and_restore(two_calendars, calendar, name)
        before = await in_google(two_calendars)
        async with out_of_reach(two_calendars, calendar, role="reader"):
            for name in ("changed", "searched", "new"):
                await slotsync.report(snapshot(3, name=name, title=f"{name} v3"))
            await slotsync.cancel(MERCHANT, "cancelled", version=3)
            for name in (*NAMES, "new"):
                await until(partial(is_refused, two_calendars, name))
            assert [each["id"] for each in await in_google(two_calendars)] == [each["id"] for each in before]
            assert await titles_in(two_calendars, calendar) == ["cancelled v2", "changed v1", "searched v2"]
        for name in ("changed", "searched", "new"):
            await book(two_calendars, name, version=4)
        await slotsync.cancel(MERCHANT, "cancelled", version=4)
        await two_calendars.settled(4, "cancelled")
        assert await titles_in(two_calendars, calendar) == ["changed v4", "new v4", "searched v4"]
        assert len(await in_google(two_calendars)) == 1


async def test_the_remedy_says_who_can_let_a_calendar_be_written_again(two_calendars: World) -> None:
    two_calendars.store_report(snapshot(1))
    key = EventKey(item="1", owner=TOUR)
    now = two_calendars.store.now()
    SyncedEvents(two_calendars.store).mark(MERCHANT, "R-1", key, SyncState.FAILED, now, REASON, 1)
    assert "may only read" in (await status(two_calendars, "R-1")).remedy
