"""Deleted databases, after which the platform reports its bookings again."""

import pytest

from slotsync.domain.reservations.snapshot import Reservation
from tests.support.comparison import assert_perfect, read_event_ids
from tests.support.machine import Machine, world_on
from tests.support.reporting_platform import ReportingPlatform
from tests.support.stories import OWNERS
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
    await machine_world.at_rest(platform.newest)
    await assert_perfect(machine_world, platform.newest, context=f"seed {platform.seed}")
    assert await read_event_ids(machine_world) == before
    assert await machine_world.writes() == written, "there was nothing to write"
    changed = [newer_version(each) for each in platform.newest]
    await platform.report_all(machine_world, changed)
    await machine_world.at_rest(changed)
    await assert_perfect(machine_world, changed, context=f"seed {platform.seed}")


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


def newer_version(reservation: Reservation) -> Reservation:
    return reservation.model_copy(update={"version": reservation.version + 1, "title": "Changed later"})
