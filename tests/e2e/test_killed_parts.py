"""SIGKILL for each part, while reservations are booked, changed and cancelled."""

import asyncio

import pytest

from slotsync.errors import NotTaken
from tests.support.comparison import assert_perfect
from tests.support.machine import Machine
from tests.support.reporting_platform import ReportingPlatform
from tests.support.samples import snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

RESERVATIONS = 25
KILLS = 2


async def test_a_worker_that_is_killed_again_and_again_leaves_nothing_undone(
    machine: Machine, machine_world: World
) -> None:
    platform = ReportingPlatform(RESERVATIONS)
    async with asyncio.TaskGroup() as group:
        group.create_task(platform.report_all(machine_world))
        for _ in range(KILLS):
            await more_writes(machine_world, platform.chance.randint(1, 20))
            await machine.worker.kill()
            await machine.worker.start()
    await machine_world.at_rest(platform.newest)
    await assert_perfect(machine_world, platform.newest, context=f"seed {platform.seed}")


async def test_nothing_acknowledged_is_lost_when_temporals_server_is_killed(
    machine: Machine, machine_world: World
) -> None:
    platform = ReportingPlatform(RESERVATIONS)
    async with asyncio.TaskGroup() as group:
        group.create_task(platform.report_all(machine_world))
        for _ in range(KILLS):
            await more_writes(machine_world, platform.chance.randint(1, 20))
            await machine.temporal.kill()
            await machine.temporal.start()
    await machine_world.at_rest(platform.newest)
    await assert_perfect(machine_world, platform.newest, context=f"seed {platform.seed}")


async def test_a_report_without_temporal_fails_and_can_be_repeated(machine: Machine, machine_world: World) -> None:
    await machine_world.slotsync.report(snapshot(1))
    await machine_world.at_rest([snapshot(1)])
    await machine.temporal.kill()
    with pytest.raises(NotTaken):
        await machine_world.slotsync.report(snapshot(2))
    await machine.temporal.start()
    await machine_world.slotsync.report(snapshot(2))
    await machine_world.at_rest([snapshot(2)])
    await assert_perfect(machine_world, [snapshot(2)])


async def test_a_google_that_is_killed_and_comes_back_shows_everything_in_the_end(
    machine: Machine, machine_world: World
) -> None:
    platform = ReportingPlatform(RESERVATIONS)
    async with asyncio.TaskGroup() as group:
        group.create_task(platform.report_all(machine_world))
        for _ in range(KILLS):
            await more_writes(machine_world, platform.chance.randint(1, 20))
            await machine.google.kill()
            await machine.google.start()
    await machine_world.at_rest(platform.newest)
    await assert_perfect(machine_world, platform.newest, context=f"seed {platform.seed}")


async def more_writes(world: World, count: int) -> None:
    """Wait until this many more events were written: an arbitrary moment."""
    before = await world.writes()

    async def written() -> bool:
        return await world.writes() >= before + count

    await until(written, poll_interval=0.1)
