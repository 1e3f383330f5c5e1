"""Databases that are gone altogether, after which the platform reports its bookings again."""

import pytest

from tests.support.comparison import assert_perfect, event_ids
from tests.support.machine import Machine, world_on
from tests.support.reporting_platform import ReportingPlatform
from tests.support.stories import OWNERS
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_without_temporals_database_the_bookings_told_again_are_found_as_they_stand(
    machine: Machine, town: World
) -> None:
    platform = await settled(town)
    stood, written = await event_ids(town), await town.writes()
    await machine.worker.kill()
    await machine.temporal.kill()
    machine.delete_database("temporal.db")
    await machine.temporal.start()
    await machine.worker.start()
    await platform.tell(town, platform.newest)
    await all_known(town, platform)
    await town.at_rest(platform.newest)
    await assert_perfect(town, platform.newest, told=f"seed {platform.seed}")
    assert await event_ids(town) == stood
    assert await town.writes() == written, "there was nothing to write"


async def test_without_any_database_the_bookings_told_again_adopt_their_events_and_calendars(
    machine: Machine, town: World
) -> None:
    platform = await settled(town)
    stood = await event_ids(town)
    await machine.worker.kill()
    await machine.temporal.kill()
    town.store.close()
    machine.delete_database("temporal.db")
    machine.delete_database("slotsync.db")
    await machine.temporal.start()
    async with world_on(machine) as anew:
        await machine.worker.start()
        await anew.open_shop(*OWNERS)
        await platform.tell(anew, platform.newest)
        await anew.at_rest(platform.newest)
        await assert_perfect(anew, platform.newest, told=f"seed {platform.seed}")
        assert await event_ids(anew) == stood


async def settled(town: World) -> ReportingPlatform:
    """Forty reservations, booked, changed and cancelled, and at rest."""
    platform = ReportingPlatform(40)
    await platform.tell(town)
    await town.at_rest(platform.newest)
    return platform


async def all_known(town: World, platform: ReportingPlatform) -> None:
    """Waits until Temporal lists a workflow for each reservation."""

    async def listed() -> bool:
        return (await town.client.count_workflows("WorkflowType = 'ReservationWorkflow'")).count >= len(platform.newest)

    await until(listed)
