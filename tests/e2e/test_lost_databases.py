"""Deleted databases: Temporal's heals by itself, slotsync's when the platform reports its bookings again."""

import pytest
from temporalio.service import RPCError

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.workflow_ids import reservation_id
from tests.support.comparison import assert_perfect, read_event_ids
from tests.support.machine import Machine, world_on
from tests.support.reporting_platform import ReportingPlatform
from tests.support.stories import OWNERS
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("restarted", [True, False], ids=["worker restarted", "worker goes on"])
async def test_without_temporals_database_everything_runs_again_by_itself(
    machine: Machine, machine_world: World, restarted: bool
) -> None:
    platform = await settled(machine_world)
    before, written = await read_event_ids(machine_world), await machine_world.writes()
    assert before
    if restarted:
        await machine.worker.kill()
    await machine.temporal.kill()
    machine.delete_database("temporal.db")
    changed, *others = platform.newest
    changed = newer_version(changed)
    machine_world.store_report(changed)
    await machine.temporal.start()
    if restarted:
        await machine.worker.start()
    await until(lambda: all_run(machine_world, others), 150)
    await machine_world.at_rest([changed, *others])
    await assert_perfect(machine_world, [changed, *others], context=f"seed {platform.seed}")
    same = {*before} & {*await read_event_ids(machine_world)}
    assert len(same) >= len(before) - len(changed.items) * 3
    assert await machine_world.writes() - written <= len(changed.items) * 3 * 2, "only the change was written"


@pytest.mark.parametrize("item_ids", [True, False], ids=["items with ids", "items without"])
async def test_without_any_database_bookings_reported_again_adopt_their_events_and_calendars(
    machine: Machine, machine_world: World, item_ids: bool
) -> None:
    platform = await settled(machine_world, item_ids=item_ids)
    before = await read_event_ids(machine_world)
    assert before
    await machine.worker.kill()
    await machine.temporal.kill()
    machine_world.store.close()
    machine.delete_database("temporal.db")
    machine.delete_database("slotsync.db")
    await machine.temporal.start()
    async with world_on(machine) as rebuilt_world:
        await machine.worker.start()
        await rebuilt_world.add_merchant(*OWNERS)
        await platform.report_all(rebuilt_world, platform.newest)
        await rebuilt_world.at_rest(platform.newest)
        await assert_perfect(rebuilt_world, platform.newest, context=f"seed {platform.seed}")
        # The numbers of items without ids are lost: what had another number than its place is written as another event.
        assert await read_event_ids(rebuilt_world) == before or not item_ids, f"seed {platform.seed}"


async def settled(machine_world: World, *, item_ids: bool = False) -> ReportingPlatform:
    """Report twenty reservations with changes and cancellations, and wait until they are at rest."""
    platform = ReportingPlatform(20, item_ids=item_ids)
    await platform.report_all(machine_world)
    await machine_world.at_rest(platform.newest)
    return platform


async def all_run(world: World, reservations: list[Reservation]) -> bool:
    """Return whether each of these reservations that is open has a running workflow."""
    wanted = {reservation_id(each.merchant, each.id) for each in reservations if not each.cancelled}
    try:
        return wanted <= {each.id async for each in world.client.list_workflows("ExecutionStatus = 'Running'")}
    except RPCError:  # the server may still be starting
        return False


def newer_version(reservation: Reservation) -> Reservation:
    return reservation.model_copy(update={"version": reservation.version + 1, "title": "Changed later"})
