"""Writes whose answer was lost, and what may come between."""

import asyncio

import pytest

from slotsync.domain.workflow_ids import reservation_id
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World
from workflows.reservation import MAX_SIGNALS_PER_RUN, ReservationWorkflow

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(world: World) -> World:
    await world.open_shop(TOUR, GUIDE)
    return world


async def lose_answers(shop: World, method: str) -> None:
    """The write takes effect; neither its answer nor a look at the event comes through."""
    await shop.fault(method=method, kind="lost_response", probability=1)
    await shop.fault(method="events.get", kind="drop", probability=1)


async def test_an_update_that_nobody_heard_of_is_undone_by_a_version_that_reverts_it(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, title="two"))
        await shop.settled(1)
        await lose_answers(shop, "events.update")
        await shop.slotsync.report(snapshot(2, title="three"))

        async def taken() -> bool:
            return await shop.titles() == ["three"]

        await until(taken)
        await shop.slotsync.report(snapshot(3, title="two"))
        await shop.heal()
        await shop.settled(3)
    assert await shop.titles() == ["two"]


async def test_a_deletion_that_nobody_heard_of_is_undone_by_a_version_that_reverts_it(shop: World) -> None:
    with_guide, without = item(resources=["guide-1"]), item()
    async with shop.working():
        await shop.slotsync.report(snapshot(1, with_guide, title="same"))
        await shop.settled(1)
        await lose_answers(shop, "events.delete")
        await shop.slotsync.report(snapshot(2, without, title="same"))

        async def deleted() -> bool:
            return await shop.titles(GUIDE) == []

        await until(deleted)
        await shop.slotsync.report(snapshot(3, with_guide, title="same"))
        await shop.heal()
        await shop.settled(3)
    assert await shop.titles(GUIDE) == ["same"]


async def test_one_calendar_that_fails_holds_up_no_other_one(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, name="R-0"))
        await shop.settled(1, "R-0")  # the tour has its calendar, the guide none
        await shop.fault(method="events.insert", kind="backendError", probability=1, calendar=await tour_calendar(shop))
        await shop.slotsync.report(snapshot(1, item(resources=["guide-1"])))

        async def with_the_guide() -> bool:
            return await shop.titles(GUIDE) == ["v1"]

        await until(with_the_guide)
        standing = await shop.slotsync.status(MERCHANT, "R-1")
        await shop.heal()
        await shop.settled(1)
    assert standing is not None
    assert {event.owner: event.last_error for event in standing.events}["product:sunset-tour"] == "backendError"
    assert await shop.titles(TOUR) == ["v1", "v1"]


async def tour_calendar(shop: World) -> str:
    return (await shop.calendars())[TOUR.id]


async def test_a_platform_that_repeats_itself_for_ever_never_fills_the_history(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1))
        await shop.settled(1)
        life = shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        first = (await life.describe()).run_id
        for _ in range(MAX_SIGNALS_PER_RUN // 50):
            await asyncio.gather(*(life.signal(ReservationWorkflow.report, snapshot(1)) for _ in range(50)))

        async def started_over() -> bool:
            return (await life.describe()).run_id != first

        await until(started_over)
        await shop.slotsync.cancel(MERCHANT, "R-1", version=2)
        await life.result()
    assert await shop.titles() == []


async def test_a_snapshot_of_a_newer_slotsync_is_understood_as_far_as_it_can_be(shop: World) -> None:
    told = {**snapshot(1, title="From tomorrow").model_dump(mode="json"), "colour": "red"}
    async with shop.working():
        await shop.slotsync.report(snapshot(0))
        await shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1")).signal("report", told)
        await shop.settled(1)
    assert await shop.titles() == ["From tomorrow"]
