"""A merchant with many products is paused and resumed as a whole, whatever happens meanwhile."""

from time import monotonic

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from slotsync.domain.workflow_ids import switch_id
from slotsync.store.calendars.merchant_switches import SwitchProgress
from slotsync.store.database.base import table_of
from slotsync.store.tables.calendars import OwnerRow
from tests.support.buttons import has_status
from tests.support.managed_calendars import shown
from tests.support.many_products import add_products
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

MANY = 30
SWITCH = switch_id(MERCHANT)


@pytest.fixture
async def open_world(world: World) -> World:
    """A merchant that sells one tour, and has many other products, which need no calendar yet."""
    await world.add_merchant(TOUR)
    add_products(world.store, MERCHANT, MANY)
    with world.store.write() as connection:
        table = table_of(OwnerRow)
        connection.execute(table.update().where(table.c.id != TOUR.id).values(sync=False))
    return world


async def progress(world: World) -> SwitchProgress:
    found = await world.slotsync.switch_progress(MERCHANT)
    assert found is not None
    return found


async def until_under_way(world: World) -> None:
    async def so() -> bool:
        return 0 < (await progress(world)).done < MANY

    await until(so)


async def is_done(world: World) -> bool:
    now = await progress(world)
    return not now.running and now.done == MANY + 1


async def until_done(world: World) -> None:
    await until(lambda: is_done(world))


async def all_heard(world: World) -> bool:
    """Return whether the workflow of each product has taken up the newest settings."""
    with world.store.read() as session:
        rows = session.connection().execute(table_of(OwnerRow).select()).mappings().all()
    return all(row["applied_revision"] == row["revision"] > 1 for row in rows)


async def test_pausing_is_answered_at_once_and_writes_stop_before_all_have_heard(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        began = monotonic()
        await open_world.slotsync.turn_off(MERCHANT, remove_events=False)
        assert monotonic() - began < 2
        assert (await progress(open_world)).running
        await open_world.slotsync.report(snapshot(2))
        await until_done(open_world)
        await until(lambda: all_heard(open_world))
        assert await open_world.titles() == ["v1"]
        await open_world.slotsync.turn_on(MERCHANT)
        await shown(open_world, TOUR, ["v2"])
        await until_done(open_world)


async def test_resuming_while_it_is_still_being_paused_begins_anew(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.turn_off(MERCHANT, remove_events=True)
        await until_under_way(open_world)
        await open_world.slotsync.turn_on(MERCHANT)
        await until_done(open_world)
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)


async def test_a_switch_of_which_the_signal_was_lost_is_taken_up_by_the_sweep(open_world: World) -> None:
    await open_world.slotsync.turn_off(MERCHANT, remove_events=False)
    await open_world.client.get_workflow_handle(SWITCH).terminate("before any worker saw it")
    async with open_world.working():
        assert (await sweep(open_world)).switches == 1
        await until_done(open_world)


async def test_a_terminated_switch_goes_on_by_the_sweep(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.turn_off(MERCHANT, remove_events=False)
        await until_under_way(open_world)
        await open_world.client.get_workflow_handle(SWITCH).terminate("by mistake")

        async def done() -> bool:  # Temporal's index learns late that it has ended
            await sweep(open_world, everything=True)
            return await is_done(open_world)

        await until(done, poll_interval=0.5)


async def test_a_cancelled_switch_is_stopped_until_it_is_resumed(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.turn_off(MERCHANT, remove_events=False)
        await until_under_way(open_world)
        await open_world.client.get_workflow_handle(SWITCH).cancel()
        with pytest.raises(WorkflowFailureError):
            await open_world.client.get_workflow_handle(SWITCH).result()
        assert (await progress(open_world)).stopped
        await sweep(open_world, everything=True)
        assert await has_status(open_world.client, SWITCH, WorkflowExecutionStatus.CANCELED)
        assert await open_world.slotsync.resume(MERCHANT) == 1
        await until_done(open_world)
