"""Deleted databases, after which the platform reports its bookings again."""

import pytest

from tests.support.comparison import assert_perfect, read_event_ids
from tests.support.machine import Machine, world_on
from tests.support.reporting_platform import ReportingPlatform
from tests.support.stories import OWNERS
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_without_temporals_database_bookings_reported_again_are_found_in_step(
    machine: Machine, machine_world: World
) -> None:
    platform = await settled(machine_world)
    before, written = await read_event_ids(machine_world), await machine_world.writes()
    assert before
    await machine.worker.kill()
    await machine.temporal.kill()
    machine.delete_database("temporal.db")
    await machine.temporal.start()
    await machine.worker.start()
    await platform.report_all(machine_world, platform.newest)
    await all_known(machine_world, platform)
    await machine_world.at_rest(platform.newest)
    await assert_perfect(machine_world, platform.newest, context=f"seed {platform.seed}")
    assert await read_event_ids(machine_world) == before
    assert await machine_world.writes() == written, "there was nothing to write"


async def test_without_any_database_bookings_reported_again_adopt_their_events_and_calendars(
    machine: Machine, machine_world: World
) -> None:
    platform = await settled(machine_world)
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
        assert await read_event_ids(rebuilt_world) == before


async def settled(machine_world: World) -> ReportingPlatform:
    """Report twenty reservations with changes and cancellations, and wait until they are at rest."""
    platform = ReportingPlatform(20)
    await platform.report_all(machine_world)
    await machine_world.at_rest(platform.newest)
    return platform


async def all_known(machine_world: World, platform: ReportingPlatform) -> None:
    """Wait until Temporal lists a workflow for each reservation."""

    async def listed() -> bool:
        return (await machine_world.client.count_workflows("WorkflowType = 'ReservationWorkflow'")).count >= len(
            platform.newest
        )

    await until(listed)
