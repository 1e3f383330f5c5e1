import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from random import Random, SystemRandom

import pytest

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.store.database.engine import Store
from starter.client import Slotsync
from tests.support.comparison import assert_perfect
from tests.support.reporting_platform import report_until_acknowledged
from tests.support.stories import OWNERS, disordered, newest_of, stories
from tests.support.temporal_servers import connect_to
from tests.support.world import World

pytestmark = pytest.mark.anyio

BACKENDS = 4
LANES = 8
"""How many reports each backend makes at once."""


async def test_twelve_reservations_end_in_their_newest_state_in_any_order_of_reports(world: World) -> None:
    seed = SystemRandom().randrange(10**6)
    chance = Random(seed)
    reports = stories(chance, 12)
    arriving = disordered(chance, reports)
    await world.add_merchant(*OWNERS)
    async with world.working():
        async with asyncio.TaskGroup() as backends:  # one that fails ends the others, which would report for ever
            for each in range(BACKENDS):
                backends.create_task(_backend(world, arriving[each::BACKENDS]))
        await world.at_rest(newest_of(reports))
    await assert_perfect(world, newest_of(reports), context=f"seed {seed}")


async def _backend(world: World, reports: Sequence[Reservation]) -> None:
    """Report snapshots like a server of the platform, with connections of its own."""
    async with _own_slotsync(world) as slotsync:

        async def report_all(lane: Sequence[Reservation]) -> None:
            for report in lane:
                await report_until_acknowledged(slotsync, report)

        async with asyncio.TaskGroup() as lanes:
            for each in range(LANES):
                lanes.create_task(report_all(reports[each::LANES]))


@asynccontextmanager
async def _own_slotsync(world: World) -> AsyncIterator[Slotsync]:
    client = await connect_to(world.client)
    with closing(Store.open(world.settings.database_url)) as store:
        yield Slotsync(client, store, world.vault)
