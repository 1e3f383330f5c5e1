"""Calendars that were out of reach and are back: what has to go goes, and until then is told as far as it is known."""

from functools import partial

import pytest

from slotsync.domain.calendars.owner import GuestData
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from tests.support.managed_calendars import shown, workflow_handle
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.two_calendars import (
    BOAT,
    OTHER_EMAIL,
    are_titles_after_sweeps,
    book,
    calendars_named,
    connect,
    drag_to_the_boat,
    is_named,
    is_owed,
    is_settled,
    look_at_the_calendar,
    out_of_reach,
    shown_in_other,
    states,
    status,
    titles_in,
    until_titles_in,
)
from tests.support.waiting import until
from tests.support.world import World
from workflows.calendar import ManagedCalendarWorkflow

pytestmark = pytest.mark.anyio


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant(TOUR, BOAT)
    return world


async def test_what_was_cancelled_while_its_calendar_was_out_of_reach_goes_once_that_is_back(
    open_world: World,
) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        await book(open_world, "R-2")
        calendar = (await open_world.calendars())[TOUR.id]
        async with out_of_reach(open_world, calendar):
            await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
            await open_world.settled(2, "R-1")
        await look_at_the_calendar(open_world)
        await until_titles_in(open_world, calendar, ["R-2 v1"])
        await book(open_world, "R-2", version=2)
        await until_titles_in(open_world, calendar, ["R-2 v2"])


async def test_a_calendar_that_is_back_after_another_was_made_loses_our_events_and_nothing_else(
    open_world: World,
) -> None:
    async with open_world.working():
        for name in ("R-1", "R-2", "R-3"):
            await book(open_world, name)
        former = (await open_world.calendars())[TOUR.id]
        times = {"start": {"dateTime": "2027-07-01T10:00:00Z"}, "end": {"dateTime": "2027-07-01T11:00:00Z"}}
        address = f"/sandbox/accounts/{EMAIL}/calendars/{former}/events"
        (await open_world.http.post(address, json={"summary": "Repair", **times})).raise_for_status()
        async with out_of_reach(open_world, former):
            await book(open_world, "R-2", version=2)
            await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
            await open_world.settled(2, "R-1")
        await look_at_the_calendar(open_world)
        await until_titles_in(open_world, former, ["Repair"])
        lists = await open_world.calls("events.list")
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="And again"))
        await until(lambda: is_named(open_world, "And again"))
        assert await open_world.calls("events.list") == lists, "it is not looked at any more"
        (current,) = await calendars_named(open_world, "And again")
        assert await titles_in(open_world, current) == ["R-2 v2", "R-3 v1"]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_event_in_another_calendar_of_ours_that_is_out_of_reach_goes_once_that_is_back_without_a_new_version(
    open_world: World, *, cancelled: bool
) -> None:
    async with open_world.working():
        await book(open_world, "R-9", item(BOAT.id))
        await book(open_world, "R-1")
        calendars = await open_world.calendars()
        await drag_to_the_boat(open_world, "R-1 v1")
        async with out_of_reach(open_world, calendars[BOAT.id], role="reader"):
            status = ReservationStatus.CANCELLED if cancelled else ReservationStatus.CONFIRMED
            await open_world.slotsync.report(snapshot(2, name="R-1", title="R-1 v2", status=status))
            await open_world.settled(2, "R-1")
            assert await titles_in(open_world, calendars[BOAT.id]) == ["R-1 v1", "R-9 v1"]
        await look_at_the_calendar(open_world)
        await until_titles_in(open_world, calendars[BOAT.id], ["R-9 v1"])
        assert await titles_in(open_world, calendars[TOUR.id]) == ([] if cancelled else ["R-1 v2"])


async def test_what_is_cancelled_or_moved_after_a_change_of_the_account_is_owed_until_the_first_is_back(
    open_world: World,
) -> None:
    async with open_world.working():
        for name in ("R-1", "R-2", "R-3"):
            await book(open_world, name)
        await connect(open_world, OTHER_EMAIL)
        await shown_in_other(open_world, 3)
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await open_world.slotsync.report(snapshot(2, item(BOAT.id), name="R-2", title="R-2 v2"))
        for name in ("R-1", "R-2"):
            await until(partial(is_owed, open_world, name))
        assert (await status(open_world, "R-3")).settled, "what is wanted stays where it is, too"
        await connect(open_world)
        await shown(open_world, TOUR, ["R-3 v1"])
        await shown(open_world, BOAT, ["R-2 v2"])
        await until(lambda: is_settled(open_world, "R-1"))


async def test_an_event_that_was_dragged_before_a_change_of_the_account_goes_once_its_calendar_is_on(
    open_world: World,
) -> None:
    async with open_world.working():
        await book(open_world, "R-9", item(BOAT.id))
        await book(open_world, "R-1")
        await book(open_world, "R-2")
        calendars = await open_world.calendars()
        await drag_to_the_boat(open_world, "R-1 v1")
        await connect(open_world, OTHER_EMAIL)
        await shown_in_other(open_world, 2)
        await open_world.slotsync.turn_off(MERCHANT, BOAT, remove_events=False)
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await until(lambda: is_owed(open_world, "R-1"))
        await shown_in_other(open_world, 1)
        await connect(open_world)
        await until(lambda: is_settled(open_world, "R-1"))
        assert await titles_in(open_world, calendars[BOAT.id]) == ["R-1 v1", "R-9 v1"], "what is off is left as it is"
        await open_world.slotsync.turn_on(MERCHANT, BOAT)
        await until(partial(are_titles_after_sweeps, open_world, calendars[BOAT.id], ["R-9 v1"]))


async def test_an_event_that_is_dragged_a_second_time_stays_until_the_next_version(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-9", item(BOAT.id))
        await book(open_world, "R-1")
        boat = (await open_world.calendars())[BOAT.id]
        await drag_to_the_boat(open_world, "R-1 v1")
        await book(open_world, "R-1", version=2)
        await drag_to_the_boat(open_world, "R-1 v2")
        await look_at_the_calendar(open_world)
        await until(partial(is_named, open_world, "Sunset tour, renamed"))
        await until(partial(_calendars_rest, open_world))
        assert await titles_in(open_world, boat) == ["R-1 v2", "R-9 v1"]
        await book(open_world, "R-1", version=3)
        assert await titles_in(open_world, boat) == ["R-9 v1"]


async def _calendars_rest(world: World) -> bool:
    progress = await workflow_handle(world, TOUR).query(ManagedCalendarWorkflow.progress)
    return progress.doing == "The calendar is as it should be"


async def test_of_two_calendars_with_our_mark_the_last_one_is_taken_up_again(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        former = (await open_world.calendars())[TOUR.id]
        async with out_of_reach(open_world, former):
            await book(open_world, "R-1", version=2)
            current = ManagedCalendars(open_world.store).get_calendars(MERCHANT, [TOUR])[0].calendar_id
        await look_at_the_calendar(open_world)
        await until_titles_in(open_world, former, [])
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR))
        await connect(open_world, OTHER_EMAIL)
        await shown_in_other(open_world, 1)
        await connect(open_world)

        async def taken_up() -> bool:
            return ManagedCalendars(open_world.store).get_calendars(MERCHANT, [TOUR])[0].calendar_id == current

        await until(taken_up)
        await book(open_world, "R-1", version=3)
        assert current
        assert (await titles_in(open_world, former), await titles_in(open_world, current)) == ([], ["R-1 v3"])


async def test_a_former_calendar_of_the_account_that_is_back_later_than_the_account_is_cleared(
    open_world: World,
) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        await book(open_world, "R-2")
        former = (await open_world.calendars())[TOUR.id]
        await connect(open_world, OTHER_EMAIL)
        await shown_in_other(open_world, 2)
        async with out_of_reach(open_world, former):
            await connect(open_world)

            async def made_anew() -> bool:
                calendar = (await open_world.calendars()).get(TOUR.id, former)
                return calendar != former and await titles_in(open_world, calendar) == ["R-1 v1", "R-2 v1"]

            await until(made_anew)
            await open_world.slotsync.cancel(MERCHANT, "R-2", version=2)
        await look_at_the_calendar(open_world)
        await until_titles_in(open_world, former, [])


async def test_further_generations_are_known_after_a_change_of_the_account_and_back(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        calendar = (await open_world.calendars())[TOUR.id]
        address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (first,) = await open_world.events()
        (await open_world.http.delete(f"{address}/{first['id']}")).raise_for_status()
        await book(open_world, "R-1", version=2)
        (second,) = await open_world.events()
        (await open_world.http.delete(f"{address}/{second['id']}")).raise_for_status()
        (await open_world.http.post(f"{address}/{first['id']}/restore")).raise_for_status()
        await book(open_world, "R-1", version=3)
        await connect(open_world, OTHER_EMAIL)
        await shown_in_other(open_world, 1)
        await connect(open_world)
        await until(partial(is_settled, open_world, "R-1"))
        (await open_world.http.post(f"{address}/{second['id']}/restore")).raise_for_status()
        await book(open_world, "R-1", version=4)
        await until_titles_in(open_world, calendar, ["R-1 v4"])


async def test_what_people_added_in_a_calendar_that_is_back_moves_to_the_event_of_now(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        former = (await open_world.calendars())[TOUR.id]
        (first,) = await open_world.events()
        address = f"/sandbox/accounts/{EMAIL}/calendars/{former}/events/{first['id']}"
        added = {"location": "Pier 3", "attendees": [{"email": "guide@example.com", "responseStatus": "accepted"}]}
        (await open_world.http.patch(address, json=added)).raise_for_status()
        async with out_of_reach(open_world, former):
            await book(open_world, "R-1", version=2)
        await look_at_the_calendar(open_world)
        await until(partial(are_titles_after_sweeps, open_world, former, []))
        (current,) = await calendars_named(open_world, "Sunset tour, renamed")
        found = (await open_world.http.get(f"/sandbox/accounts/{EMAIL}/calendars/{current}/events")).json()["items"]
        assert [(each["location"], each["attendees"][0]["email"]) for each in found] == [
            ("Pier 3", "guide@example.com")
        ]


async def test_an_event_that_cannot_be_deleted_in_a_former_calendar_holds_up_no_settings(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        former = (await open_world.calendars())[TOUR.id]
        async with out_of_reach(open_world, former):
            await book(open_world, "R-1", version=2)
            fault = {"kind": "forbiddenForNonOrganizer", "calendar": former, "probability": 1}
            await open_world.fault(method="events.delete", **fault)
        changes = settings_of(TOUR, name="Renamed", guest_data=GuestData.BUSY)
        await open_world.slotsync.put_owner(MERCHANT, TOUR, changes)
        await until(partial(is_named, open_world, "Renamed"))
        (current,) = await calendars_named(open_world, "Renamed")
        await until_titles_in(open_world, current, ["Reserved"])
        assert await titles_in(open_world, former) == ["R-1 v1"]
        await open_world.heal()
        await look_at_the_calendar(open_world)
        await until_titles_in(open_world, former, [])


async def test_an_event_is_in_step_again_once_sync_is_on_again(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-1")
        await open_world.slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await until(partial(_has_state, open_world, SyncState.NOT_SYNCED))
        await open_world.slotsync.turn_on(MERCHANT, TOUR)
        await until(partial(_has_state, open_world, SyncState.IN_STEP))


async def _has_state(world: World, state: SyncState) -> bool:
    return await states(world, "R-1") == {state}


async def test_an_event_that_was_dragged_out_of_a_calendar_that_is_deleted_then_stands_once(open_world: World) -> None:
    async with open_world.working():
        await book(open_world, "R-9", item(BOAT.id))
        await book(open_world, "R-1")
        calendars = await open_world.calendars()
        await drag_to_the_boat(open_world, "R-1 v1")
        address = f"/sandbox/accounts/{EMAIL}/calendars/{calendars[TOUR.id]}"
        (await open_world.http.delete(address)).raise_for_status()
        await book(open_world, "R-1", version=2)
        await shown(open_world, TOUR, ["R-1 v2"])
        assert await titles_in(open_world, calendars[BOAT.id]) == ["R-9 v1"]
