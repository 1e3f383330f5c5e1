"""Synchronization turned on and off, for one owner and for a merchant."""

import asyncio

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.errors import InputError
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from tests.support.managed_calendars import in_google, shown, workflow_handle
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

MANY = 12


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant()
    return world


async def book(open_world: World, count: int) -> list[str]:
    names = [f"R-{number}" for number in range(count)]
    booked = [snapshot(1, item(resources=["guide-1"]), name=name, title=name) for name in names]
    await asyncio.gather(*map(open_world.slotsync.report, booked))
    await open_world.at_rest(booked)
    return names


async def test_turning_on_fills_the_calendar_with_every_open_reservation_once(open_world: World) -> None:
    await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, sync=False))
    async with open_world.working():
        names = await book(open_world, MANY)
        assert (await open_world.calendars()).keys() == {GUIDE.id}
        off = await open_world.slotsync.backfill_progress(MERCHANT, TOUR)
        assert off.events == {SyncState.NOT_SYNCED: MANY}
        await open_world.slotsync.turn_on(MERCHANT, TOUR)
        await shown(open_world, TOUR, names)

        async def counted() -> bool:
            progress = await open_world.slotsync.backfill_progress(MERCHANT, TOUR)
            reported = progress.batch is not None and (progress.batch.total, progress.batch.done) == (MANY, MANY)
            return reported and progress.events == {SyncState.IN_STEP: MANY}

        await until(counted, poll_interval=0.2)
    assert await open_world.titles(GUIDE) == sorted(names)


async def test_turning_off_without_removal_leaves_everything_as_it_is(open_world: World) -> None:
    async with open_world.working():
        names = await book(open_world, 3)
        await life_ended_by_turning_off(open_world, TOUR, remove_events=False)
        await open_world.slotsync.report(snapshot(2, item(resources=["guide-1"]), name="R-0", title="changed"))
        await shown(open_world, GUIDE, ["changed", *names[1:]])
    assert await open_world.titles(TOUR) == names


async def test_turning_off_with_removal_takes_events_and_calendar_away_and_nothing_else(open_world: World) -> None:
    async with open_world.working():
        names = await book(open_world, 3)
        await life_ended_by_turning_off(open_world, TOUR, remove_events=True)
    assert [each["summary"] for each in await in_google(open_world)] == [GUIDE.id]
    assert await open_world.titles(GUIDE) == names


async def test_a_calendar_with_another_persons_event_stays_and_only_our_events_are_removed(open_world: World) -> None:
    past = item(start="2020-07-01T18:00:00+03:00", end="2020-07-01T20:00:00+03:00")
    async with open_world.working():
        await book(open_world, 3)
        await open_world.slotsync.report(snapshot(1, past, name="R-past"))
        await open_world.settled(1, "R-past")
        calendar = (await open_world.calendars())[TOUR.id]
        times = {"start": {"dateTime": "2027-07-01T10:00:00Z"}, "end": {"dateTime": "2027-07-01T11:00:00Z"}}
        address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (await open_world.http.post(address, json={"summary": "Repair the kayaks", **times})).raise_for_status()
        await life_ended_by_turning_off(open_world, TOUR, remove_events=True)
        await shown(open_world, TOUR, ["Repair the kayaks"])


async def test_what_was_taken_away_comes_back_when_it_is_turned_on_again(open_world: World) -> None:
    async with open_world.working():
        names = await book(open_world, 3)
        await life_ended_by_turning_off(open_world, TOUR, remove_events=True)
        await open_world.slotsync.turn_on(MERCHANT, TOUR)
        await shown(open_world, TOUR, names)


async def test_the_merchants_switch_overrides_its_owners_and_leaves_theirs_unchanged(open_world: World) -> None:
    await open_world.slotsync.put_owner(MERCHANT, GUIDE, settings_of(GUIDE, sync=False))
    async with open_world.working():
        names = await book(open_world, 3)
        await open_world.slotsync.turn_off(MERCHANT, remove_events=True)
        assert await workflow_handle(open_world, TOUR).result() == "synchronization is off"
        assert await in_google(open_world) == []
        await open_world.slotsync.turn_on(MERCHANT)
        await shown(open_world, TOUR, names)
    assert [*await open_world.calendars()] == [TOUR.id]


async def test_a_calendar_of_ours_is_known_as_such(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, 1)
    ours = {*(await open_world.calendars()).values()}
    assert ManagedCalendars(open_world.store).filter_managed([*ours, EMAIL]) == ours


async def test_an_unknown_owner_cannot_be_switched(open_world: World) -> None:
    with pytest.raises(InputError, match="product:unheard-of"):
        await open_world.slotsync.turn_on(MERCHANT, Owner.product("unheard-of"))


async def life_ended_by_turning_off(open_world: World, owner: Owner, *, remove_events: bool) -> None:
    await open_world.slotsync.turn_off(MERCHANT, owner, remove_events=remove_events)
    assert await workflow_handle(open_world, owner).result() == "synchronization is off"


@pytest.mark.parametrize(
    ("merchant", "owner", "message"),
    [
        ("a:b", TOUR, "merchant: String should match pattern"),
        (MERCHANT, Owner.product("a\u200bb"), "product: has a character that cannot be seen"),
        (MERCHANT, Owner.resource("x" * 129), "resource: String should have at most 128 characters"),
    ],
)
async def test_an_id_that_cannot_be_one_is_refused_where_it_comes_in(
    merchant: str, owner: Owner, message: str, open_world: World
) -> None:
    with pytest.raises(InputError, match=message):
        await open_world.slotsync.put_owner(merchant, owner, settings_of(TOUR))
    known = {TOUR, GUIDE} if merchant == MERCHANT else set()
    assert Owners(open_world.store).get_all(merchant).keys() == known
