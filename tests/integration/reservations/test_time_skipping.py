import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

from slotsync.domain.workflow_ids import reservation_id
from tests.support.samples import MERCHANT, item, snapshot
from tests.support.waiting import until
from tests.support.world import World
from workflows.reservation import MAX_SIGNALS_PER_RUN, ReservationWorkflow

pytestmark = pytest.mark.anyio

Handle = WorkflowHandle[ReservationWorkflow, str]


@pytest.fixture
async def shop(flying_world: World) -> World:
    await flying_world.open_shop()
    return flying_world


def life_of(world: World) -> Handle:
    return world.client.get_workflow_handle_for(ReservationWorkflow.run, reservation_id(MERCHANT, "R-1"))


async def test_next_years_reservation_closes_itself_a_day_after_its_end(shop: World) -> None:
    start = (datetime.now(UTC) + timedelta(days=365)).replace(microsecond=0)
    tour = item().model_copy(update={"start": start, "end": start + timedelta(hours=2)})
    async with shop.working():
        await make_the_calendar(shop)
        began = monotonic()
        await shop.slotsync.report(snapshot(1, tour))
        assert await life_of(shop).result() == "Closed at version 1: over"
        took = monotonic() - began
        history = await life_of(shop).fetch_history()
    closed = history.events[-1].event_time.ToDatetime(tzinfo=UTC)
    assert timedelta() <= closed - (start + timedelta(hours=2, days=1)) < timedelta(minutes=1)
    assert await shop.titles() == ["v1", "v1"]
    assert took < 1


async def test_an_hour_without_google_and_fifty_changes_end_in_one_write(shop: World, skipper: TimeSkipper) -> None:
    async with shop.working():
        await make_the_calendar(shop)
    before = await shop.writes()
    begun = datetime.now(UTC)
    for method in ("events.insert", "events.update"):
        await shop.fault(method=method, kind="backendError", probability=1)

    async def passed(span: timedelta) -> None:
        async def later() -> bool:
            return await skipper.get_current_time(life_of(shop)) >= begun + span

        await until(later)

    async with shop.working():
        await shop.slotsync.report(snapshot(1))
        for version in range(2, 52):
            await shop.slotsync.report(snapshot(version))
            if version % 10 == 1:
                await passed(timedelta(minutes=12) * (version // 10))
        refused = await shop.writes()
        await shop.heal()
        await shop.settled(51)
        await until_in_step(shop)
    assert refused - before > 20, "it kept trying"
    assert await shop.writes() == refused + 1
    assert await shop.titles() == ["v1", "v51"]


async def make_the_calendar(shop: World) -> None:
    """By another reservation: this one would fly far away while its calendar is made in real time."""
    await shop.slotsync.report(snapshot(1, name="R-0"))
    await shop.settled(1, "R-0")


async def until_in_step(world: World) -> None:
    async def in_step() -> bool:
        return (await life_of(world).query(ReservationWorkflow.progress)).health == "in_step"

    await until(in_step)


async def test_a_reservation_survives_continuing_as_new(shop: World) -> None:
    """More snapshots than one run takes: the last one wins, over runs."""
    start = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    tour = item().model_copy(update={"start": start, "end": start + timedelta(hours=2)})
    async with shop.working():
        await make_the_calendar(shop)
        await shop.slotsync.report(snapshot(1, tour))
        life = life_of(shop)
        first = (await life.describe()).run_id
        for some in range(2, MAX_SIGNALS_PER_RUN + 2, 50):
            versions = range(some, some + 50)
            await asyncio.gather(*(life.signal(ReservationWorkflow.report, snapshot(each, tour)) for each in versions))
        assert await life_of(shop).result() == f"Closed at version {MAX_SIGNALS_PER_RUN + 1}: over"
        assert (await life_of(shop).describe()).run_id != first
    assert await shop.titles() == ["v1", f"v{MAX_SIGNALS_PER_RUN + 1}"]
