from datetime import timedelta

import pytest
from temporalio.testing import TimeSkipper

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.workflow_ids import calendar_id, reservation_id
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from tests.support.managed_calendars import workflow_handle
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World
from workflows.calendar import DUPLICATE_CHECK_DELAY

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
        await skipper.fast_forward(workflow_handle(open_world, TOUR), 2 * DUPLICATE_CHECK_DELAY)
        (made,) = ManagedCalendars(open_world.store).get_calendars(MERCHANT, [TOUR])
    assert 0 in await open_world.statuses("calendars.insert"), "no creation was lost"
    assert (await open_world.calendars()) == {"sunset-tour": made.calendar_id}
    assert await open_world.titles() == ["v1"]


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
