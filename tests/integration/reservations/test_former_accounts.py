"""What was left in a former account, the calendars of which people delete: it is owed until that account is asked."""

from datetime import timedelta
from functools import partial

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.store.database.base import table_of
from slotsync.store.reservations.left_events import MISSING_CALENDAR_KEPT, LeftEventStore
from slotsync.store.tables.reservations import LeftEventRow
from tests.support.managed_calendars import shown
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.two_calendars import (
    BOAT,
    OTHER_EMAIL,
    book,
    connect,
    is_named,
    is_owed,
    is_settled,
    look_at_the_calendar,
    out_of_reach,
    shown_in_other,
    status,
    until_titles_in,
)
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def delete_in_first_account(world: World, calendar: str) -> None:
    (await world.http.delete(f"/sandbox/accounts/{EMAIL}/calendars/{calendar}")).raise_for_status()


async def is_told_as_deleted(world: World, name: str) -> bool:
    """Sweep, and return whether the reservation is settled, and nobody has to do anything."""
    await sweep(world)
    found = await status(world, name)
    return found.settled and {each.state for each in found.events} == {SyncState.DELETED} and not found.remedy


async def look_in_other_account(world: World) -> None:
    """Have the calendar's workflow look while the other account is connected, and wait until it has."""
    await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="Tour of the other account"))

    async def named() -> bool:
        return "Tour of the other account" in await world.calendars(OTHER_EMAIL)

    await until(named)


def count_owed(world: World, owner: Owner = TOUR) -> dict[bool, int]:
    """Return how many of the owner's events are left in former accounts (False), and in missing calendars (True)."""
    counts = LeftEventStore(world.store).count(MERCHANT)
    return {each.missing: each.events for each in counts if each.owner == owner}


async def test_what_was_owed_in_a_calendar_that_people_deleted_is_settled_once_its_own_account_does_not_find_it(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        for name in ("R-1", "R-2", "R-3"):
            await book(two_calendars, name)
        deleted = (await two_calendars.calendars())[TOUR.id]
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 3)
        await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
        await two_calendars.slotsync.report(snapshot(2, item(BOAT.id), name="R-2", title="R-2 v2"))
        for name in ("R-1", "R-2"):
            await until(partial(is_owed, two_calendars, name))
        await shown_in_other(two_calendars, 1)
        await delete_in_first_account(two_calendars, deleted)
        await look_in_other_account(two_calendars)
        assert await is_owed(two_calendars, "R-1"), "the other account cannot know"
        await connect(two_calendars)
        await look_at_the_calendar(two_calendars)
        await until(partial(is_told_as_deleted, two_calendars, "R-1"))
        await until(partial(is_settled, two_calendars, "R-2"))
        assert await two_calendars.titles(BOAT) == ["R-2 v2"]
    assert count_owed(two_calendars) == {True: 3, False: 1}, "R-3 stands in the other account, and is wanted"


async def test_what_was_cancelled_before_it_was_written_to_another_account_goes_or_is_settled_once_the_first_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        await book(two_calendars, "R-2", item(BOAT.id))
        calendars = await two_calendars.calendars()
        await two_calendars.slotsync.turn_off(MERCHANT, remove_events=False)
        await connect(two_calendars, OTHER_EMAIL)
        for name in ("R-1", "R-2"):
            await two_calendars.slotsync.cancel(MERCHANT, name, version=2)
            await until(partial(is_owed, two_calendars, name))
        await delete_in_first_account(two_calendars, calendars[TOUR.id])
        off_the_list = f"/sandbox/accounts/{EMAIL}/calendarList/{calendars[BOAT.id]}"
        (await two_calendars.http.delete(off_the_list)).raise_for_status()
        await connect(two_calendars)
        await two_calendars.slotsync.turn_on(MERCHANT)
        for owner, name in ((TOUR, "Tour, renamed"), (BOAT, "Boat, renamed")):
            await two_calendars.slotsync.put_owner(MERCHANT, owner, settings_of(owner, name=name))
        for name in ("R-1", "R-2"):
            await until(partial(is_told_as_deleted, two_calendars, name))
        await until_titles_in(two_calendars, calendars[BOAT.id], [])


async def test_what_is_owed_in_a_calendar_that_its_account_only_lacks_for_a_while_goes_once_it_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        await book(two_calendars, "R-2")
        former = (await two_calendars.calendars())[TOUR.id]
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 2)
        await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
        await until(partial(is_owed, two_calendars, "R-1"))
        await shown_in_other(two_calendars, 1)
        async with out_of_reach(two_calendars, former):
            await connect(two_calendars)
            await look_at_the_calendar(two_calendars)
            await until(partial(is_told_as_deleted, two_calendars, "R-1"))
        with two_calendars.store.write() as connection:  # nobody has looked for long: its product was off
            long_ago = two_calendars.store.now() - MISSING_CALENDAR_KEPT - timedelta(days=1)
            connection.execute(table_of(LeftEventRow).update().values(since=long_ago))
        await two_calendars.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="And again"))
        await until(partial(is_named, two_calendars, "And again"))
        await until_titles_in(two_calendars, former, [])
        await shown(two_calendars, Owner.product("And again"), ["R-2 v1"])
