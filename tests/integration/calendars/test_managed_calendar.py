"""A managed calendar from its creation to its end: it follows its owner, and comes back when it was deleted."""

from datetime import timedelta
from functools import partial

import pytest
from temporalio.testing import TimeSkipper

from slotsync.domain.workflow_ids import calendar_id
from tests.support.managed_calendars import delete_by_hand, in_google, shown, workflow_handle
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World
from workflows.calendar import CALENDAR_CHECK_INTERVAL, ManagedCalendarWorkflow

pytestmark = pytest.mark.anyio

NAMES = [f"R-{number}" for number in range(5)]


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant()
    return world


async def book_all(open_world: World) -> None:
    booked = [snapshot(1, item(resources=["guide-1"]), name=name, title=name) for name in NAMES]
    for each in booked:
        await open_world.slotsync.report(each)
    await open_world.at_rest(booked)


async def test_a_calendar_is_made_when_its_owner_becomes_known_not_when_it_is_booked(world: World) -> None:
    await world.connect()
    async with world.working():
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR))

        async def made() -> bool:
            return [*await world.calendars()] == [TOUR.id]

        await until(made)


async def test_a_calendar_follows_the_name_and_the_time_zone_of_its_owner(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        (before,) = await in_google(open_world)
        await open_world.slotsync.put_owner(
            MERCHANT, TOUR, settings_of(TOUR, name="Evening tour", time_zone="Europe/Oslo")
        )

        async def renamed() -> bool:
            (now,) = await in_google(open_world)
            return (now["summary"], now["timeZone"]) == ("Evening tour", "Europe/Oslo")

        await until(renamed)
        (after,) = await in_google(open_world)
    assert (after["id"], after["description"]) == (before["id"], before["description"])


async def test_another_level_of_guest_data_reaches_the_events_that_are_there(open_world: World) -> None:
    async with open_world.working():
        await book_all(open_world)
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await shown(open_world, TOUR, ["Reserved"] * len(NAMES))
    assert await open_world.titles(GUIDE) == sorted(NAMES)


async def test_a_lowered_level_does_not_wait_for_a_rename_that_fails_and_the_status_says_why(open_world: World) -> None:
    past = snapshot(1, item(start="2020-01-01", end="2020-01-02"), name="R-past")
    async with open_world.working():
        for each in (snapshot(1), past):
            await open_world.slotsync.report(each)
            await open_world.settled(1, each.id)
        await open_world.fault(method="calendars.patch", kind="backendError", probability=1)
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="Evening tour"))
        await until(partial(_last_error, open_world, "backendError"))
        # The rename is being retried now.
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="Night tour", guest_data="busy"))
        await shown(open_world, TOUR, ["Reserved"] * 2)
        await until(partial(_last_error, open_world, "backendError"))
        status = await open_world.slotsync.status(MERCHANT, "R-1")
        assert status
        assert "name or time zone" in status.remedy
        await open_world.heal()
        await until(partial(_is_named, open_world, "Night tour"))
        await until(partial(_last_error, open_world, None))


async def _is_named(world: World, name: str) -> bool:
    return name in {each["summary"] for each in await in_google(world)}


async def _last_error(world: World, reason: str | None) -> bool:
    status = await world.slotsync.status(MERCHANT, "R-1")
    assert status
    return [each.last_error for each in status.events] == [reason]


async def test_a_deleted_calendar_is_back_with_all_its_reservations_after_the_next_write(open_world: World) -> None:
    async with open_world.working():
        await book_all(open_world)
        deleted = await delete_by_hand(open_world, TOUR)
        await open_world.slotsync.report(snapshot(2, item(resources=["guide-1"]), name="R-0", title="R-0"))
        await open_world.slotsync.report(snapshot(2, item(day=2), name="R-1", title="R-1"))
        await shown(open_world, TOUR, NAMES)
    assert (await open_world.calendars())[TOUR.id] != deleted
    assert len(await in_google(open_world)) == 2


async def test_a_deleted_calendar_is_back_with_all_its_reservations_after_a_deletion_that_does_not_find_it(
    open_world: World,
) -> None:
    async with open_world.working():
        await book_all(open_world)
        await delete_by_hand(open_world, TOUR)
        await open_world.slotsync.cancel(MERCHANT, "R-0", version=2)
        await open_world.settled(2, "R-0")
        await sweep(open_world)
        await shown(open_world, TOUR, NAMES[1:])


async def test_a_deleted_calendar_is_back_with_all_its_reservations_after_one_audit(
    world_with_skipper: World, skipper: TimeSkipper
) -> None:
    open_world = world_with_skipper
    await open_world.add_merchant()
    async with open_world.working():
        await book_all(open_world)
        await delete_by_hand(open_world, TOUR)
        await skipper.fast_forward(
            workflow_handle(open_world, TOUR), 1.25 * CALENDAR_CHECK_INTERVAL + timedelta(minutes=10)
        )
        await shown(open_world, TOUR, NAMES)
    assert await open_world.titles(GUIDE) == sorted(NAMES)
    assert len(await in_google(open_world)) == 2
    totals = (await open_world.http.get("/sandbox/calls")).json()["totals"]
    assert totals["events.insert"] == 3 * len(NAMES), "each event of the lost calendar was written once more"


async def test_operators_see_the_owner_of_a_calendar(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="Sunset"))
        query = f"SlotsyncOwners = '{TOUR}' AND SlotsyncHealth = 'in_step' AND ExecutionStatus = 'Running'"

        async def reported() -> bool:
            found = [each.id async for each in open_world.client.list_workflows(query)]
            return found == [calendar_id(MERCHANT, TOUR)] and await doing() == "The calendar is as it should be"

        async def doing() -> str:
            return (await workflow_handle(open_world, TOUR).query(ManagedCalendarWorkflow.progress)).doing

        await until(reported)
