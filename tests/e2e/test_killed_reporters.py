"""SIGKILL for the platform's own process, between the commit of a report and its signal."""

import pytest
from temporalio.service import RPCError

from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.schedules import trigger_sweep
from tests.support.comparison import assert_perfect
from tests.support.killed_reporters import report_and_be_killed
from tests.support.machine import Machine
from tests.support.samples import MERCHANT, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

REPORTS = 30


async def test_no_report_is_lost_with_the_process_that_stored_it(machine: Machine, machine_world: World) -> None:
    reports = [snapshot(1, name=f"R-{number}", title=f"v{number}") for number in range(REPORTS)]
    address = machine.client.service_client.config.target_host
    await report_and_be_killed(machine, address, reports)
    stored = Reservations(machine_world.store, machine_world.vault)
    assert all(stored.get(MERCHANT, each.id) for each in reports)

    async def swept() -> bool:  # the worker may still be setting the server up
        try:
            await trigger_sweep(machine.client)
        except RPCError:
            return False
        return True

    await until(swept)
    await machine_world.at_rest(reports)
    await assert_perfect(machine_world, reports)
