import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN
from tests.support.reporting_platform import report_until_acknowledged
from tests.support.samples import MERCHANT, item, snapshot
from tests.support.waiting import until
from tests.support.world import World
from workflows.reservation import ReservationWorkflow

pytestmark = pytest.mark.anyio

Handle = WorkflowHandle[ReservationWorkflow, str]


@pytest.fixture
async def open_world(self_skipping_world: World) -> World:
    await self_skipping_world.add_merchant()
    return self_skipping_world


def workflow_handle(world: World) -> Handle:
    return world.client.get_workflow_handle_for(ReservationWorkflow.run, reservation_id(MERCHANT, "R-1"))


async def test_next_years_reservation_closes_itself_a_day_after_its_end(open_world: World) -> None:
    start = (datetime.now(UTC) + timedelta(days=365)).replace(microsecond=0)
    tour = item().model_copy(update={"start": start, "end": start + timedelta(hours=2)})
    async with open_world.working():
        await make_the_calendar(open_world)
        began = monotonic()
        await open_world.slotsync.report(snapshot(1, tour))
        assert await workflow_handle(open_world).result() == "Closed at version 1: over"
        took = monotonic() - began
        history = await workflow_handle(open_world).fetch_history()
    closed = history.events[-1].event_time.ToDatetime(tzinfo=UTC)
    assert timedelta() <= closed - (start + timedelta(hours=2, days=1)) < timedelta(minutes=1)
    assert await open_world.titles() == ["v1", "v1"]
    assert took < 60, "a year, on a machine however busy"


async def test_an_hour_without_google_and_fifty_changes_end_in_one_write(
    open_world: World, skipper: TimeSkipper
) -> None:
    async with open_world.working():
        await make_the_calendar(open_world)
    before, written = await open_world.writes(), await count_written(open_world)
    begun = datetime.now(UTC)
    for method in ("events.insert", "events.update"):
        await open_world.fault(method=method, kind="backendError", probability=1)

    async def passed(span: timedelta) -> None:
        async def later() -> bool:
            return await skipper.get_current_time(workflow_handle(open_world)) >= begun + span

        await until(later)

    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        for version in range(2, 52):
            await open_world.slotsync.report(snapshot(version))
            if version % 10 == 1:
                await passed(timedelta(minutes=12) * (version // 10))
        refused = await open_world.writes()
        await open_world.heal()
        await open_world.settled(51)
        await until_in_step(open_world)
    assert refused - before > 20, "it kept trying"
    assert await count_written(open_world) == written + 1
    assert await open_world.titles() == ["v1", "v51"]


async def count_written(open_world: World) -> int:
    """Return how many events Google has created or changed."""
    calls = (await open_world.http.get("/sandbox/calls")).raise_for_status().json()["items"]
    written = [each for each in calls if each["method"] in {"events.insert", "events.update"} and each["status"] == 200]
    return len(written)


async def make_the_calendar(open_world: World) -> None:
    """Create the calendar with another reservation: the tested one would skip far ahead meanwhile."""
    await open_world.slotsync.report(snapshot(1, name="R-0"))
    await open_world.settled(1, "R-0")


async def until_in_step(world: World) -> None:
    async def in_step() -> bool:
        return (await workflow_handle(world).query(ReservationWorkflow.progress)).health == "in_step"

    await until(in_step)


@pytest.mark.long  # 2,000 reports; in each suite, a platform that repeats itself fills a run
async def test_a_reservation_survives_continuing_as_new(open_world: World) -> None:
    """More snapshots than one run takes: the last one wins, over runs."""
    start = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    tour = item().model_copy(update={"start": start, "end": start + timedelta(hours=2)})
    async with open_world.working():
        await make_the_calendar(open_world)
        await open_world.slotsync.report(snapshot(1, tour))
        handle = workflow_handle(open_world)
        first = (await handle.describe()).run_id
        for some in range(2, MAX_SIGNALS_PER_RUN + 2, 50):
            reports = [snapshot(each, tour) for each in range(some, some + 50)]
            await asyncio.gather(*(report_until_acknowledged(open_world.slotsync, each) for each in reports))
        assert await workflow_handle(open_world).result() == f"Closed at version {MAX_SIGNALS_PER_RUN + 1}: over"
        assert (await workflow_handle(open_world).describe()).run_id != first
    assert await open_world.titles() == ["v1", f"v{MAX_SIGNALS_PER_RUN + 1}"]
