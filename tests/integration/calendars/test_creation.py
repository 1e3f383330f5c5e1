from datetime import timedelta
from functools import partial

import pytest
from temporalio.testing import TimeSkipper

from slotsync.clock import utc_now
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.connection import wanted_scopes
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.connections.messages import ConnectionStep
from slotsync.domain.workflow_ids import calendar_id, reservation_id
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.connections.disconnections import Disconnections
from slotsync.temporal.signals import signal_connection
from tests.support.managed_calendars import workflow_handle
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World
from workflows.calendar import LATE_EFFECT_DELAY, ManagedCalendarWorkflow
from workflows.reservation import ReservationWorkflow

pytestmark = pytest.mark.anyio


@pytest.fixture
async def open_world(world_with_skipper: World) -> World:
    await world_with_skipper.add_merchant()
    return world_with_skipper


async def test_a_calendar_with_two_lost_creations_exists_once(open_world: World, skipper: TimeSkipper) -> None:
    await open_world.fault(method="calendars.insert", kind="lost_response", count=3)
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await skipper.fast_forward(workflow_handle(open_world, TOUR), 2 * LATE_EFFECT_DELAY)
        (made,) = ManagedCalendars(open_world.store).get_calendars(MERCHANT, [TOUR])
    assert 0 in await open_world.statuses("calendars.insert"), "no creation was lost"
    assert (await open_world.calendars()) == {"sunset-tour": made.calendar_id}
    assert await open_world.titles() == ["v1"]


@pytest.mark.parametrize(
    ("method", "reason"),
    [("calendarList.list", "forbidden"), ("calendars.insert", "notFound"), ("calendars.insert", "deleted")],
)
async def test_why_no_calendar_can_be_made_is_told_of_the_connection(world: World, method: str, reason: str) -> None:
    await world.add_merchant()
    views = ConnectionViews(world.store, world.vault, wanted_scopes(push=True))
    await world.fault(method=method, kind=reason, probability=1)

    async def told(expected: str) -> bool:
        view = views.get_view(MERCHANT)
        return view.last_error == expected

    async with world.working():
        await world.slotsync.report(snapshot(1))
        await until(partial(told, reason))


async def test_a_calendar_that_google_deletes_late_while_it_is_wanted_again_is_made_anew_with_all_events(
    open_world: World, skipper: TimeSkipper
) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        doomed = (await open_world.calendars())["sunset-tour"]
        await open_world.fault(method="calendars.delete", kind="drop", count=1000)
        await open_world.slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
        await until(lambda: called(open_world, "calendars.delete"))
        await open_world.slotsync.turn_on(MERCHANT, TOUR)
        await until(lambda: looks_again_later(open_world))
        await open_world.heal()
        # What Google was asked for takes effect only now.
        (await open_world.http.delete(f"/sandbox/accounts/{EMAIL}/calendars/{doomed}")).raise_for_status()
        await skipper.fast_forward(workflow_handle(open_world, TOUR), 2 * LATE_EFFECT_DELAY)
        await until(lambda: has_events_again(open_world, doomed))


async def test_a_calendar_that_google_deletes_late_after_the_merchant_has_connected_again_is_made_anew(
    open_world: World, skipper: TimeSkipper
) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        doomed = (await open_world.calendars())["sunset-tour"]
        Disconnections(open_world.store, open_world.vault).request(MERCHANT, CalendarChoice.DELETE, utc_now())
        await open_world.connect(resume_all=True)
        await signal_connection(open_world.client, MERCHANT, "granted")
        await until(lambda: is_served(open_world))
        await until(lambda: looks_again_later(open_world))
        # What the disconnection had asked for takes effect only now.
        (await open_world.http.delete(f"/sandbox/accounts/{EMAIL}/calendars/{doomed}")).raise_for_status()
        await skipper.fast_forward(workflow_handle(open_world, TOUR), 2 * LATE_EFFECT_DELAY)
        await until(lambda: has_events_again(open_world, doomed))


async def is_served(world: World) -> bool:
    return ConnectionIntents(world.store).plan(MERCHANT).step is ConnectionStep.WAIT


async def has_events_again(world: World, doomed: str) -> bool:
    calendar = (await world.calendars()).get("sunset-tour", doomed)
    return calendar != doomed and await world.titles() == ["v1"]


async def called(world: World, method: str) -> bool:
    return bool(await world.statuses(method))


async def looks_again_later(world: World) -> bool:
    """Return whether the calendar's workflow has nothing to do but to look again, and its reservation's neither.

    Else that would record its round later than what the calendar's workflow records in its time, which is ahead.
    """
    progress = await workflow_handle(world, TOUR).query(ManagedCalendarWorkflow.progress)
    if progress.doing != "The calendar is as it should be":
        return False
    handle = world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
    progress_of_reservation = await handle.query(ReservationWorkflow.progress)
    return progress_of_reservation.doing == "Version 1 is in step"


async def test_an_account_that_may_make_no_more_calendars_waits_hours_and_goes_on(
    open_world: World, skipper: TimeSkipper
) -> None:
    await open_world.fault(method="calendars.insert", kind="quotaExceeded", count=2)
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        for owner in (TOUR, GUIDE):
            await until_waiting(open_world, owner, "quotaExceeded")
            assert await open_world.calendars() == {}
        for owner in (TOUR, GUIDE):
            assert await skipper.fast_forward(workflow_handle(open_world, owner), timedelta(minutes=61))
        await open_world.settled(1)
    assert await open_world.titles(TOUR) == await open_world.titles(GUIDE) == ["v1"]


async def until_waiting(world: World, owner: Owner, reason: str) -> None:
    """Wait until the owner's calendar waits for this reason."""

    query = f"WorkflowId = '{calendar_id(MERCHANT, owner)}' AND SlotsyncReason = '{reason}'"

    async def so() -> bool:
        return (await world.client.count_workflows(query)).count == 1

    await until(so)


async def test_a_creation_with_a_lost_answer_and_a_cancellation_leave_nothing(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, name="R-0"))
        await open_world.settled(1, "R-0")
        await open_world.fault(method="events.insert", kind="lost_response", probability=1)
        await open_world.fault(method="events.get", kind="drop", probability=1)
        before = await open_world.writes()
        await open_world.slotsync.report(snapshot(1))

        async def created() -> bool:
            return len(await open_world.events()) == 2 and await open_world.writes() > before + 2

        await until(created)
        assert 0 in await open_world.statuses("events.insert"), "no answer was lost"
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1")).result()
    assert await open_world.titles() == ["v1"]
