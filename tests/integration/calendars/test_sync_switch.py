"""Synchronization turned on and off, for one owner and for a merchant."""

import asyncio

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.errors import InputError
from slotsync.store.calendars.managed_calendars import Calendars
from tests.support.managed_calendars import in_google, life_of, shown
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

MANY = 200


@pytest.fixture
async def shop(world: World) -> World:
    await world.open_shop()
    return world


async def book(shop: World, count: int) -> list[str]:
    names = [f"R-{number}" for number in range(count)]
    booked = [snapshot(1, item(resources=["guide-1"]), name=name, title=name) for name in names]
    await asyncio.gather(*map(shop.slotsync.report, booked))
    await shop.at_rest(booked)
    return names


async def test_turning_on_fills_the_calendar_with_every_open_reservation_once(shop: World) -> None:
    await shop.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, sync=False))
    async with shop.working():
        names = await book(shop, MANY)
        assert TOUR.id not in await shop.calendars()
        off = await shop.slotsync.backfill_progress(MERCHANT, TOUR)
        assert (off.batch, off.events) == (None, {SyncState.NOT_SYNCED: MANY})
        await shop.slotsync.turn_on(MERCHANT, TOUR)
        await shown(shop, TOUR, names)

        async def counted() -> bool:
            progress = await shop.slotsync.backfill_progress(MERCHANT, TOUR)
            told = progress.batch is not None and (progress.batch.total, progress.batch.done) == (MANY, MANY)
            return told and progress.events == {SyncState.IN_STEP: MANY}

        await until(counted, look=0.2)
    assert await shop.titles(GUIDE) == sorted(names)


async def test_turning_off_without_removal_leaves_everything_as_it_is(shop: World) -> None:
    async with shop.working():
        names = await book(shop, 3)
        await life_ended_by_turning_off(shop, TOUR, remove_events=False)
        await shop.slotsync.report(snapshot(2, item(resources=["guide-1"]), name="R-0", title="changed"))
        await shown(shop, GUIDE, ["changed", *names[1:]])
    assert await shop.titles(TOUR) == names


async def test_turning_off_with_removal_takes_events_and_calendar_away_and_nothing_else(shop: World) -> None:
    async with shop.working():
        names = await book(shop, 3)
        await life_ended_by_turning_off(shop, TOUR, remove_events=True)
    assert [each["summary"] for each in await in_google(shop)] == [GUIDE.id]
    assert await shop.titles(GUIDE) == names


async def test_a_calendar_with_somebody_elses_event_stays_and_only_ours_leave_it(shop: World) -> None:
    async with shop.working():
        await book(shop, 3)
        calendar = (await shop.calendars())[TOUR.id]
        times = {"start": {"dateTime": "2027-07-01T10:00:00Z"}, "end": {"dateTime": "2027-07-01T11:00:00Z"}}
        address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (await shop.http.post(address, json={"summary": "Repair the kayaks", **times})).raise_for_status()
        await life_ended_by_turning_off(shop, TOUR, remove_events=True)
        await shown(shop, TOUR, ["Repair the kayaks"])


async def test_what_was_taken_away_comes_back_when_it_is_turned_on_again(shop: World) -> None:
    async with shop.working():
        names = await book(shop, 3)
        await life_ended_by_turning_off(shop, TOUR, remove_events=True)
        await shop.slotsync.turn_on(MERCHANT, TOUR)
        await shown(shop, TOUR, names)


async def test_the_merchants_switch_is_above_those_of_its_owners_and_leaves_them_as_they_are(shop: World) -> None:
    await shop.slotsync.put_owner(MERCHANT, GUIDE, settings_of(GUIDE, sync=False))
    async with shop.working():
        names = await book(shop, 3)
        await shop.slotsync.turn_off(MERCHANT, remove_events=True)
        assert await life_of(shop, TOUR).result() == "synchronization is off"
        assert await in_google(shop) == []
        await shop.slotsync.turn_on(MERCHANT)
        await shown(shop, TOUR, names)
    assert [*await shop.calendars()] == [TOUR.id]


async def test_a_calendar_of_ours_is_known_as_such(shop: World) -> None:
    async with shop.working():
        await book(shop, 1)
    ours = {*(await shop.calendars()).values()}
    assert Calendars(shop.store).is_managed([*ours, EMAIL]) == ours


async def test_an_owner_that_nobody_made_known_cannot_be_switched(shop: World) -> None:
    with pytest.raises(InputError, match="product:unheard-of"):
        await shop.slotsync.turn_on(MERCHANT, Owner.product("unheard-of"))


async def life_ended_by_turning_off(shop: World, owner: Owner, *, remove_events: bool) -> None:
    await shop.slotsync.turn_off(MERCHANT, owner, remove_events=remove_events)
    assert await life_of(shop, owner).result() == "synchronization is off"
