"""Writes with a lost answer, and changes before they are repeated."""

import asyncio

import pytest

from slotsync.domain.reservations.messages import ReportedVersion
from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant(TOUR, GUIDE)
    return world


async def lose_answers(open_world: World, method: str) -> None:
    """Let each call of the method take effect without an answer; ``events.get``, if it is called at all, fails too."""
    await open_world.fault(method=method, kind="lost_response", probability=1)
    await open_world.fault(method="events.get", kind="drop", probability=1)


async def until_lost(open_world: World, method: str) -> None:
    """Wait until an answer of the method was lost."""

    async def lost() -> bool:
        return 0 in await open_world.statuses(method)

    await until(lost)


async def test_an_update_with_a_lost_answer_is_undone_by_a_version_that_reverts_it(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, title="two"))
        await open_world.settled(1)
        await lose_answers(open_world, "events.update")
        await open_world.slotsync.report(snapshot(2, title="three"))

        async def taken() -> bool:
            return await open_world.titles() == ["three"]

        await until(taken)
        await until_lost(open_world, "events.update")
        await open_world.slotsync.report(snapshot(3, title="two"))
        await open_world.heal()
        await open_world.settled(3)
    assert await open_world.titles() == ["two"]


async def test_a_deletion_with_a_lost_answer_is_undone_by_a_version_that_reverts_it(open_world: World) -> None:
    with_guide, without = item(resources=["guide-1"]), item()
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, with_guide, title="same"))
        await open_world.settled(1)
        await lose_answers(open_world, "events.delete")
        await open_world.slotsync.report(snapshot(2, without, title="same"))

        async def deleted() -> bool:
            return await open_world.titles(GUIDE) == []

        await until(deleted)
        await until_lost(open_world, "events.delete")
        await open_world.slotsync.report(snapshot(3, with_guide, title="same"))
        await open_world.heal()
        await open_world.settled(3)
    assert await open_world.titles(GUIDE) == ["same"]


async def test_one_calendar_that_fails_holds_up_no_other_one(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, name="R-0"))
        await open_world.settled(1, "R-0")  # the tour has its calendar, the guide none
        await open_world.fault(
            method="events.insert", kind="backendError", probability=1, calendar=await tour_calendar(open_world)
        )
        await open_world.slotsync.report(snapshot(1, item(resources=["guide-1"])))

        async def with_the_guide() -> bool:
            return await open_world.titles(GUIDE) == ["v1"]

        await until(with_the_guide)
        sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
        await open_world.heal()
        await open_world.settled(1)
    assert sync_status is not None
    assert {event.owner: event.last_error for event in sync_status.events}["product:sunset-tour"] == "backendError"
    assert await open_world.titles(TOUR) == ["v1", "v1"]


async def tour_calendar(open_world: World) -> str:
    return (await open_world.calendars())[TOUR.id]


async def test_a_platform_that_repeats_itself_for_ever_never_fills_the_history(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        first = (await handle.describe()).run_id
        for _ in range(MAX_SIGNALS_PER_RUN // 50):
            await asyncio.gather(*(handle.signal("report", ReportedVersion(version=1)) for _ in range(50)))

        async def started_over() -> bool:
            return (await handle.describe()).run_id != first

        await until(started_over)
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await handle.result()
    assert await open_world.titles() == []


async def test_a_signal_of_a_newer_slotsync_is_understood_as_far_as_it_can_be(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        await handle.signal("report", {"version": 2, "colour": "red"})
        await open_world.slotsync.report(snapshot(2))
        await open_world.settled(2)
    assert await open_world.titles() == ["v2"]
