"""A merchant that is being paused when the worker is killed is paused by the next one, from where the first one was."""

import pytest

from slotsync.store.calendars.merchant_switches import SwitchProgress
from tests.support.machine import Machine
from tests.support.many_products import add_products
from tests.support.samples import MERCHANT
from tests.support.stories import OWNERS
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

MANY = 80


async def progress(world: World) -> SwitchProgress:
    found = await world.slotsync.switch_progress(MERCHANT)
    assert found is not None
    return found


async def test_a_pause_survives_the_kill_of_the_worker(machine: Machine, machine_world: World) -> None:
    add_products(machine_world.store, MERCHANT, MANY)
    await machine_world.slotsync.turn_off(MERCHANT, remove_events=False)

    async def under_way() -> bool:
        return 0 < (await progress(machine_world)).done < MANY

    async def done() -> bool:
        now = await progress(machine_world)
        return not now.running and now.done == MANY + len(OWNERS)

    await until(under_way)
    await machine.worker.kill()
    assert (await progress(machine_world)).running
    await machine.worker.start()
    await until(done, 120)
