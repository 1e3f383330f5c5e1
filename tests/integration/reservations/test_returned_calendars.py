"""Calendars that were out of reach and are back: what has to go goes, and until then is told as far as it is known."""

import asyncio
from contextlib import closing
from functools import partial

import pytest

from slotsync.domain.calendars.owner import GuestData
from slotsync.domain.reservations.event import SyncState
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.calendars import GoogleCalendars
from slotsync.google.service import GoogleServices
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.connections.connections import Connections
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


async def test_what_was_cancelled_while_its_calendar_was_out_of_reach_goes_once_that_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        await book(two_calendars, "R-2")
        calendar = (await two_calendars.calendars())[TOUR.id]
        async with out_of_reach(two_calendars, calendar):
            await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
            await two_calendars.settled(2, "R-1")
        await look_at_the_calendar(two_calendars)
        await until_titles_in(two_calendars, calendar, ["R-2 v1"])
        await book(two_calendars, "R-2", version=2)
        await until_titles_in(two_calendars, calendar, ["R-2 v2"])


async def test_a_calendar_that_is_back_after_another_was_made_loses_our_events_and_nothing_else(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        for name in ("R-1", "R-2", "R-3"):
            await book(two_calendars, name)
        former = (await two_calendars.calendars())[TOUR.id]
        times = {"start": {"dateTime": "2027-07-01T10:00:00Z"}, "end": {"dateTime": "2027-07-01T11:00:00Z"}}
        address = f"/sandbox/accounts/{EMAIL}/calendars/{former}/events"
        (await two_calendars.http.post(address, json={"summary": "Repair", **times})).raise_for_status()
        async with out_of_reach(two_calendars, former):
            await book(two_calendars, "R-2", version=2)
            await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
            await two_calendars.settled(2, "R-1")
        await look_at_the_calendar(two_calendars)
        await until_titles_in(two_calendars, former, ["Repair"])
        lists = await two_calendars.calls("events.list")
        await two_calendars.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="And again"))
        await until(lambda: is_named(two_calendars, "And again"))
        assert await two_calendars.calls("events.list") == lists, "it is not looked at any more"
        (current,) = await calendars_named(two_calendars, "And again")
        assert await titles_in(two_calendars, current) == ["R-2 v2", "R-3 v1"]


async def test_what_is_cancelled_or_moved_after_a_change_of_the_account_is_owed_until_the_first_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        for name in ("R-1", "R-2", "R-3"):
            await book(two_calendars, name)
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 3)
        await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
        await two_calendars.slotsync.report(snapshot(2, item(BOAT.id), name="R-2", title="R-2 v2"))
        for name in ("R-1", "R-2"):
            await until(partial(is_owed, two_calendars, name))
        await shown_in_other(two_calendars, 1)
        assert (await status(two_calendars, "R-3")).settled, "what is wanted stays where it is, too"
        await connect(two_calendars)
        await shown(two_calendars, TOUR, ["R-3 v1"])
        await shown(two_calendars, BOAT, ["R-2 v2"])
        await until(lambda: is_settled(two_calendars, "R-1"))


async def test_an_event_that_was_dragged_before_a_change_of_the_account_goes_once_its_calendar_is_on(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await book(two_calendars, "R-1")
        await book(two_calendars, "R-2")
        calendars = await two_calendars.calendars()
        await drag_to_the_boat(two_calendars, "R-1 v1")
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 2)
        await two_calendars.slotsync.turn_off(MERCHANT, BOAT, remove_events=False)
        await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
        await until(lambda: is_owed(two_calendars, "R-1"))
        await shown_in_other(two_calendars, 1)
        await connect(two_calendars)
        await until(lambda: is_settled(two_calendars, "R-1"))
        assert await titles_in(two_calendars, calendars[BOAT.id]) == ["R-1 v1", "R-9 v1"], (
            "what is off is left as it is"
        )
        await two_calendars.slotsync.turn_on(MERCHANT, BOAT)
        await until(partial(are_titles_after_sweeps, two_calendars, calendars[BOAT.id], ["R-9 v1"]))


async def test_an_event_that_is_dragged_a_second_time_stays_until_the_next_version(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await book(two_calendars, "R-1")
        boat = (await two_calendars.calendars())[BOAT.id]
        await drag_to_the_boat(two_calendars, "R-1 v1")
        await book(two_calendars, "R-1", version=2)
        await drag_to_the_boat(two_calendars, "R-1 v2")
        await look_at_the_calendar(two_calendars)
        await until(partial(is_named, two_calendars, "Sunset tour, renamed"))
        await until(partial(_calendars_rest, two_calendars))
        assert await titles_in(two_calendars, boat) == ["R-1 v2", "R-9 v1"]
        await book(two_calendars, "R-1", version=3)
        assert await titles_in(two_calendars, boat) == ["R-9 v1"]


async def _calendars_rest(world: World) -> bool:
    progress = await workflow_handle(world, TOUR).query(ManagedCalendarWorkflow.progress)
    return progress.doing == "The calendar is as it should be"


async def test_of_two_calendars_with_our_mark_the_last_one_is_taken_up_again(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        former = (await two_calendars.calendars())[TOUR.id]
        async with out_of_reach(two_calendars, former):
            await book(two_calendars, "R-1", version=2)
            current = ManagedCalendars(two_calendars.store).get_calendars(MERCHANT, [TOUR])[0].calendar_id
        await look_at_the_calendar(two_calendars)
        await until_titles_in(two_calendars, former, [])
        await two_calendars.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR))
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 1)
        await connect(two_calendars)

        async def taken_up() -> bool:
            return ManagedCalendars(two_calendars.store).get_calendars(MERCHANT, [TOUR])[0].calendar_id == current

        await until(taken_up)
        await book(two_calendars, "R-1", version=3)
        assert current
        assert (await titles_in(two_calendars, former), await titles_in(two_calendars, current)) == ([], ["R-1 v3"])


async def test_the_calendar_with_our_events_is_taken_up_again_though_the_account_was_away_for_a_moment_only(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
    current = (await two_calendars.calendars())[TOUR.id]
    other = "z"
    while other > current:  # the order of their ids does not decide
        other = await asyncio.to_thread(_make_another, two_calendars)
        address = f"/sandbox/accounts/{EMAIL}/calendars/{other}/events"
        times = {"start": {"dateTime": "2027-07-01T10:00:00Z"}, "end": {"dateTime": "2027-07-01T11:00:00Z"}}
        (await two_calendars.http.post(address, json=times)).raise_for_status()
    await connect(two_calendars, OTHER_EMAIL)
    await connect(two_calendars)
    async with two_calendars.working():
        await until(partial(_is_recorded, two_calendars))
    assert _recorded(two_calendars) == current


def _make_another(world: World) -> str:
    """Make another calendar with the mark of the tour's, and return its id."""
    connections = Connections(world.store, world.vault)
    connection_id = connections.get_active_id(MERCHANT)
    assert connection_id
    spec = CalendarSpec(merchant=MERCHANT, owner=TOUR, name="Another", time_zone="Europe/Helsinki")
    with closing(GoogleServices(world.settings, connections)) as services:
        return GoogleCalendars(services).create(connection_id, spec)


def _recorded(world: World) -> str | None:
    """Return the id of the tour's calendar."""
    (calendar,) = ManagedCalendars(world.store).get_calendars(MERCHANT, [TOUR])
    return calendar.calendar_id


async def _is_recorded(world: World) -> bool:
    return _recorded(world) is not None


async def test_a_look_at_the_calendar_that_began_in_the_other_account_clears_nothing_in_the_one_that_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        first = _recorded(two_calendars)
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 1)
        await until(lambda: is_settled(two_calendars, "R-1"))
        before = await two_calendars.calls("calendars.patch")
        await two_calendars.fault(method="calendars.patch", kind="slow", seconds=1, count=1, account=OTHER_EMAIL)
        await look_at_the_calendar(two_calendars)

        async def patching() -> bool:
            return not (await two_calendars.http.get("/sandbox/faults")).raise_for_status().json()["items"]

        await until(patching)
        await connect(two_calendars)

        async def taken_up() -> bool:
            return await two_calendars.calls("calendars.patch") > before + 1 and _recorded(two_calendars) == first

        await until(taken_up)
    assert await two_calendars.calls("events.delete") == 0


async def test_a_former_calendar_of_the_account_that_is_back_later_than_the_account_is_cleared(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        await book(two_calendars, "R-2")
        former = (await two_calendars.calendars())[TOUR.id]
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 2)
        async with out_of_reach(two_calendars, former):
            await connect(two_calendars)

            async def made_anew() -> bool:
                calendar = (await two_calendars.calendars()).get(TOUR.id, former)
                return calendar != former and await titles_in(two_calendars, calendar) == ["R-1 v1", "R-2 v1"]

            await until(made_anew)
            await two_calendars.slotsync.cancel(MERCHANT, "R-2", version=2)
        await look_at_the_calendar(two_calendars)
        await until_titles_in(two_calendars, former, [])


async def test_further_generations_are_known_after_a_change_of_the_account_and_back(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        calendar = (await two_calendars.calendars())[TOUR.id]
        address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (first,) = await two_calendars.events()
        (await two_calendars.http.delete(f"{address}/{first['id']}")).raise_for_status()
        await book(two_calendars, "R-1", version=2)
        (second,) = await two_calendars.events()
        (await two_calendars.http.delete(f"{address}/{second['id']}")).raise_for_status()
        (await two_calendars.http.post(f"{address}/{first['id']}/restore")).raise_for_status()
        await book(two_calendars, "R-1", version=3)
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 1)
        await connect(two_calendars)
        await until(partial(is_settled, two_calendars, "R-1"))
        (await two_calendars.http.post(f"{address}/{second['id']}/restore")).raise_for_status()
        await book(two_calendars, "R-1", version=4)
        await until_titles_in(two_calendars, calendar, ["R-1 v4"])


async def test_what_people_added_in_a_calendar_that_is_back_moves_to_the_event_of_now(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        former = (await two_calendars.calendars())[TOUR.id]
        (first,) = await two_calendars.events()
        address = f"/sandbox/accounts/{EMAIL}/calendars/{former}/events/{first['id']}"
        added = {"location": "Pier 3", "attendees": [{"email": "guide@example.com", "responseStatus": "accepted"}]}
        (await two_calendars.http.patch(address, json=added)).raise_for_status()
        async with out_of_reach(two_calendars, former):
            await book(two_calendars, "R-1", version=2)
        await look_at_the_calendar(two_calendars)
        await until(partial(are_titles_after_sweeps, two_calendars, former, []))
        (current,) = await calendars_named(two_calendars, "Sunset tour, renamed")
        found = (await two_calendars.http.get(f"/sandbox/accounts/{EMAIL}/calendars/{current}/events")).json()["items"]
        assert [(each["location"], each["attendees"][0]["email"]) for each in found] == [
            ("Pier 3", "guide@example.com")
        ]


async def test_an_event_that_cannot_be_deleted_in_a_former_calendar_holds_up_no_settings(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        former = (await two_calendars.calendars())[TOUR.id]
        async with out_of_reach(two_calendars, former):
            await book(two_calendars, "R-1", version=2)
            fault = {"kind": "forbiddenForNonOrganizer", "calendar": former, "probability": 1}
            await two_calendars.fault(method="events.delete", **fault)
        changes = settings_of(TOUR, name="Renamed", guest_data=GuestData.BUSY)
        await two_calendars.slotsync.put_owner(MERCHANT, TOUR, changes)
        await until(partial(is_named, two_calendars, "Renamed"))
        (current,) = await calendars_named(two_calendars, "Renamed")
        await until_titles_in(two_calendars, current, ["Reserved"])
        assert await titles_in(two_calendars, former) == ["R-1 v1"]
        await two_calendars.heal()
        await look_at_the_calendar(two_calendars)
        await until_titles_in(two_calendars, former, [])


async def test_an_event_is_in_step_again_once_sync_is_on_again(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await until(partial(_has_state, two_calendars, SyncState.NOT_SYNCED))
        await two_calendars.slotsync.turn_on(MERCHANT, TOUR)
        await until(partial(_has_state, two_calendars, SyncState.IN_STEP))


async def _has_state(world: World, state: SyncState) -> bool:
    return await states(world, "R-1") == {state}


async def test_an_event_that_was_dragged_out_of_a_calendar_that_is_deleted_then_stands_once(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await book(two_calendars, "R-1")
        calendars = await two_calendars.calendars()
        await drag_to_the_boat(two_calendars, "R-1 v1")
        address = f"/sandbox/accounts/{EMAIL}/calendars/{calendars[TOUR.id]}"
        (await two_calendars.http.delete(address)).raise_for_status()
        await book(two_calendars, "R-1", version=2)
        await shown(two_calendars, TOUR, ["R-1 v2"])
        assert await titles_in(two_calendars, calendars[BOAT.id]) == ["R-9 v1"]
