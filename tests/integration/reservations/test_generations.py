"""Several generations of one event, restored and dragged by hand: the next version stands alone."""

from functools import partial

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import ReservationStatus
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

BOAT = Owner.product("boat")
PAST = item(start="2020-07-01T18:00:00+03:00", end="2020-07-01T20:00:00+03:00")


@pytest.fixture
async def open_world(world: World) -> World:
    """A merchant with two calendars; the boat's has another reservation."""
    await world.add_merchant(TOUR, BOAT)
    async with world.working():
        await world.slotsync.report(snapshot(1, item(BOAT.id), name="R-9", title="other"))
        await world.settled(1, "R-9")
    return world


async def events_of(world: World, owner: Owner) -> str:
    return f"/sandbox/accounts/{EMAIL}/calendars/{(await world.calendars())[owner.id]}/events"


async def by_hand(world: World, what: str, generation: int, owner: Owner = TOUR, **body: str) -> None:
    """Delete, restore or move the event of R-1 in this generation."""
    address = await events_of(world, owner)
    listed = (await world.http.get(address, params={"showDeleted": "true"})).raise_for_status().json()["items"]
    (event_id,) = (each["id"] for each in listed if each["id"].endswith(f"g{generation}") and is_of_r_1(each))
    if what == "delete":
        (await world.http.delete(f"{address}/{event_id}")).raise_for_status()
    else:
        (await world.http.post(f"{address}/{event_id}/{what}", json=body)).raise_for_status()


def is_of_r_1(event: dict[str, dict[str, dict[str, str]]]) -> bool:
    return event.get("extendedProperties", {}).get("private", {}).get("slotsyncReservation") == "R-1"


async def report(world: World, version: int, *, cancelled: bool = False) -> None:
    status = ReservationStatus.CANCELLED if cancelled else ReservationStatus.CONFIRMED
    await world.slotsync.report(snapshot(version, status=status))
    await world.settled(version)


async def test_a_newer_generation_that_is_restored_after_an_older_one_was_taken_up_again_goes(
    open_world: World,
) -> None:
    async with open_world.working():
        await report(open_world, 1)
        await by_hand(open_world, "delete", 0)
        await report(open_world, 2)
        await by_hand(open_world, "delete", 1)
        await by_hand(open_world, "restore", 0)
        await report(open_world, 3)
        await by_hand(open_world, "restore", 1)
        await report(open_world, 4)
        assert await open_world.titles() == ["v4"]
        await report(open_world, 5, cancelled=True)
    assert await open_world.titles() == []


async def test_an_event_restored_after_the_cancellation_and_dragged_to_another_calendar_goes(open_world: World) -> None:
    async with open_world.working():
        await report(open_world, 1)
        await report(open_world, 2, cancelled=True)
        await by_hand(open_world, "restore", 0)
        await by_hand(open_world, "move", 0, destination=(await open_world.calendars())[BOAT.id])
        await report(open_world, 3, cancelled=True)
    assert (await open_world.titles(), await open_world.titles(BOAT)) == ([], ["other"])


async def test_an_event_that_was_taken_away_from_another_calendar_and_restored_there_goes(open_world: World) -> None:
    async with open_world.working():
        await report(open_world, 1)
        await by_hand(open_world, "move", 0, destination=(await open_world.calendars())[BOAT.id])
        await report(open_world, 2)
        assert (await open_world.titles(), await open_world.titles(BOAT)) == (["v2"], ["other"])
        await by_hand(open_world, "restore", 0, BOAT)
        await report(open_world, 3)
    assert (await open_world.titles(), await open_world.titles(BOAT)) == (["v3"], ["other"])


async def test_an_event_of_the_past_that_was_changed_while_sync_was_off_is_written_once_it_is_on(
    open_world: World,
) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, PAST))
        await open_world.settled(1)
        await open_world.slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await open_world.slotsync.report(snapshot(2, PAST))
        await open_world.settled(2)
        await open_world.slotsync.turn_on(MERCHANT, TOUR)

        async def written() -> bool:
            return await open_world.titles() == ["v2"]

        await until(written)


async def test_the_event_of_a_cancelled_reservation_that_stays_with_a_deleted_product_is_told(
    open_world: World,
) -> None:
    async with open_world.working():
        await report(open_world, 1)
        await open_world.slotsync.delete_owner(MERCHANT, TOUR, remove_events=False)
        await open_world.slotsync.report(snapshot(2, status=ReservationStatus.CANCELLED))

        async def told() -> bool:
            sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
            return sync_status is not None and [each.state for each in sync_status.events] == [SyncState.TO_DELETE]

        await until(told)
        sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
    assert sync_status is not None
    assert (sync_status.settled, bool(sync_status.remedy)) == (False, True)
    assert await open_world.titles() == ["v1"]


async def access_to_boat(world: World, calendar: str, access: dict[str, object]) -> None:
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/access"
    (await world.http.patch(address, json=access)).raise_for_status()


async def is_owed(world: World) -> bool:
    """Return whether the reservation says that an event is still to be deleted."""
    sync_status = await world.slotsync.status(MERCHANT, "R-1")
    return sync_status is not None and "to_delete" in {each.state for each in sync_status.events}


@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_event_dragged_into_a_calendar_that_is_out_of_reach_goes_once_it_is_back(
    open_world: World, *, cancelled: bool
) -> None:
    boat = (await open_world.calendars())[BOAT.id]
    address = f"/sandbox/accounts/{EMAIL}/calendars/{boat}/access"
    before = (await open_world.http.get(address)).raise_for_status().json()
    async with open_world.working():
        await report(open_world, 1)
        await by_hand(open_world, "move", 0, destination=boat)
        await access_to_boat(open_world, boat, {"client_id": ""})
        status = ReservationStatus.CANCELLED if cancelled else ReservationStatus.CONFIRMED
        await open_world.slotsync.report(snapshot(2, status=status))
        await until(partial(is_owed, open_world))
        await access_to_boat(open_world, boat, before)
        await report(open_world, 3, cancelled=cancelled)
    left = [] if cancelled else ["v3"]
    assert (await open_world.titles(), await open_world.titles(BOAT)) == (left, ["other"])


async def test_a_cancellation_that_was_reported_again_while_sync_was_off_is_settled_once_it_is_on(
    open_world: World,
) -> None:
    async with open_world.working():
        await report(open_world, 1)
        await report(open_world, 2, cancelled=True)
        await open_world.slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await by_hand(open_world, "restore", 0)
        await report(open_world, 3, cancelled=True)
        await open_world.slotsync.turn_on(MERCHANT, TOUR)

        async def settled() -> bool:
            sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
            return sync_status is not None and sync_status.settled

        await until(settled)
    assert await open_world.titles() == []
