"""Our events are removed with a calendar, wherever they are; nothing else is."""

from datetime import timedelta
from functools import partial

import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.clock import utc_now
from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.store.calendars.owners import Owners
from slotsync.temporal.signals import signal_calendar
from tests.support.managed_calendars import workflow_handle
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of
from tests.support.sweeping import sweep
from tests.support.two_calendars import (
    BOAT,
    OTHER_EMAIL,
    book,
    connect,
    drag_to_the_boat,
    is_owed,
    is_settled,
    out_of_reach,
    shown_in_other,
    until_titles_in,
)
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_a_removal_that_is_chosen_under_another_account_reaches_the_first_once_that_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        former = (await two_calendars.calendars())[TOUR.id]
        await connect(two_calendars, OTHER_EMAIL)
        await shown_in_other(two_calendars, 1)
        await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
        await until(partial(is_owed, two_calendars, "R-1"))
        await connect(two_calendars)
        await until(partial(_is_gone, two_calendars, former))
        await until(partial(_is_settled_after_sweeps, two_calendars, "R-1"))


async def _is_gone(world: World, calendar: str) -> bool:
    answer = (await world.http.get(f"/sandbox/accounts/{EMAIL}/calendars")).raise_for_status()
    return calendar not in {each["id"] for each in answer.json()["items"]}


async def _is_settled_after_sweeps(world: World, name: str) -> bool:
    await sweep(world)
    return await is_settled(world, name)


async def test_a_removal_from_a_calendar_out_of_reach_is_done_by_a_daily_look(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        await book(two_calendars, "R-2")
        former = (await two_calendars.calendars())[TOUR.id]
        async with out_of_reach(two_calendars, former):
            await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
            await until(partial(_has_closed, two_calendars))
            await two_calendars.slotsync.cancel(MERCHANT, "R-2", version=2)
            await two_calendars.settled(2, "R-2")
            due = Owners(two_calendars.store).get_intent(MERCHANT, TOUR)
            assert due
            assert due.due_at
            assert timedelta(hours=20) < due.due_at - utc_now() < timedelta(hours=25)
        await signal_calendar(two_calendars.client, CalendarRequest(merchant=MERCHANT, owner=TOUR), "check")
        await until(partial(_is_gone, two_calendars, former))


async def _has_closed(world: World) -> bool:
    described = await workflow_handle(world, TOUR).describe()
    return described.status is WorkflowExecutionStatus.COMPLETED


async def test_removing_a_calendar_wipes_no_event_of_another_product_that_was_dragged_there_and_no_copy(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await book(two_calendars, "R-1")
        boat = (await two_calendars.calendars())[BOAT.id]
        await drag_to_the_boat(two_calendars, "R-1 v1")
        await two_calendars.slotsync.turn_off(MERCHANT, BOAT, remove_events=True)
        await until_titles_in(two_calendars, boat, ["R-1 v1"])
        await book(two_calendars, "R-1", version=2)
        await until_titles_in(two_calendars, boat, [])
        (written,) = await two_calendars.events()
        tour = (await two_calendars.calendars())[TOUR.id]
        copied = {name: written[name] for name in ("start", "end", "extendedProperties")}
        address = f"/sandbox/accounts/{EMAIL}/calendars/{tour}/events"
        (await two_calendars.http.post(address, json={**copied, "summary": "My copy"})).raise_for_status()
        await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
        await until_titles_in(two_calendars, tour, ["My copy"])


async def test_removing_a_calendar_takes_away_what_was_dragged_out_of_it(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-9", item(BOAT.id))
        await book(two_calendars, "R-1")
        boat = (await two_calendars.calendars())[BOAT.id]
        await drag_to_the_boat(two_calendars, "R-1 v1")
        await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
        await until_titles_in(two_calendars, boat, ["R-9 v1"])


@pytest.mark.parametrize("refused", [False, True])
async def test_our_events_go_with_their_deleted_product_also_from_a_calendar_that_stays(
    two_calendars: World, *, refused: bool
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        tour = (await two_calendars.calendars())[TOUR.id]
        if refused:
            await two_calendars.fault(method="calendars.delete", kind="requiredAccessLevel", probability=1)
        else:
            await _add_repair(two_calendars, tour)
        await two_calendars.slotsync.delete_owner(MERCHANT, TOUR, remove_events=True)
        await until_titles_in(two_calendars, tour, [] if refused else ["Repair"])
        await until(partial(_has_state, two_calendars, "unknown_product"))
        await two_calendars.heal()
        await two_calendars.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR))
        await until_titles_in(two_calendars, tour, ["R-1 v1"] if refused else ["R-1 v1", "Repair"])


async def _add_repair(world: World, calendar: str) -> None:
    times = {name: {"dateTime": f"2027-07-01T1{hour}:00:00Z"} for hour, name in enumerate(("start", "end"))}
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
    (await world.http.post(address, json={"summary": "Repair", **times})).raise_for_status()


async def _has_state(world: World, state: str) -> bool:
    status = await world.slotsync.status(MERCHANT, "R-1")
    assert status
    return [each.state for each in status.events] == [state] and not status.settled
