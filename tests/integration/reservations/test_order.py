import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random, SystemRandom

import pytest
from temporalio.client import Client

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.store.database.engine import Store
from slotsync.temporal.options import slotsync_plugin
from starter.client import Slotsync
from tests.support.comparison import assert_perfect
from tests.support.reporting_platform import report_until_acknowledged
from tests.support.stories import OWNERS, disordered, newest_of, stories
from tests.support.world import World

pytestmark = pytest.mark.anyio

BACKENDS = 4
LANES = 8
"""How many reports each backend makes at once."""


async def test_eighty_reservations_end_in_their_newest_state_in_any_order_of_reports(world: World) -> None:
    seed = SystemRandom().randrange(10**6)
    chance = Random(seed)
    reports = stories(chance, 80)
    arriving = disordered(chance, reports)
    await world.add_merchant(*OWNERS)
    async with world.working():
        await asyncio.gather(*(_backend(world, arriving[each::BACKENDS]) for each in range(BACKENDS)))
        await world.at_rest(newest_of(reports))
    await assert_perfect(world, newest_of(reports), context=f"seed {seed}")


async def _backend(world: World, reports: Sequence[Reservation]) -> None:
    """Report snapshots like a server of the platform, with connections of its own."""
    async with _own_slotsync(world) as slotsync:

        async def report_all(lane: Sequence[Reservation]) -> None:
            for report in lane:
                await report_until_acknowledged(slotsync, report)

        await asyncio.gather(*(report_all(reports[each::LANES]) for each in range(LANES)))


@asynccontextmanager
async def _own_slotsync(world: World) -> AsyncIterator[Slotsync]:
    address = world.client.service_client.config.target_host
    client = await Client.connect(address, plugins=[slotsync_plugin()])
    store = Store.open(world.settings.database_url)
    yield Slotsync(client, store, world.vault)
    store.close()
