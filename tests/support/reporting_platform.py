"""A platform that reports reservations, and repeats each report until it is acknowledged."""

import asyncio
from collections.abc import Iterable
from random import Random, SystemRandom

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import NotTaken
from starter.client import Slotsync
from tests.support.stories import disordered, newest_of, stories
from tests.support.world import World

PARALLEL_REPORTS = 8


class ReportingPlatform:
    """Random reservations with their changes, in random order; the same ``seed`` gives the same reports."""

    def __init__(self, count: int, *, item_ids: bool = False) -> None:
        self.seed = SystemRandom().randrange(10**6)
        self.chance = Random(self.seed)
        reports = stories(self.chance, count, item_ids=item_ids)
        self.arriving = disordered(self.chance, reports)
        self.newest = newest_of(reports)
        self.refused = 0

    async def report_all(self, world: World, reports: Iterable[Reservation] | None = None) -> None:
        """Report everything, some in parallel, each until it is acknowledged."""
        remaining = iter(self.arriving if reports is None else reports)

        async def report_remaining() -> None:
            for report in remaining:
                self.refused += await report_until_acknowledged(world.slotsync, report)

        async with asyncio.TaskGroup() as reporting:
            for _ in range(PARALLEL_REPORTS):
                reporting.create_task(report_remaining())


async def report_until_acknowledged(slotsync: Slotsync, report: Reservation) -> int:
    """Report as a platform does, again and again until it is acknowledged; return how often it was refused."""
    refused = 0
    while True:
        try:
            await slotsync.report(report)
        except NotTaken:
            refused += 1
        else:
            return refused
