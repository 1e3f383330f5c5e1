"""A platform that reports, and repeats whatever was not acknowledged."""

import asyncio
from collections.abc import Iterable
from random import Random, SystemRandom

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import NotTaken
from tests.support.stories import disordered, newest_of, stories
from tests.support.world import World

PARALLEL_REPORTS = 8


class ReportingPlatform:
    """Reservations with their changes, in disorder; ``seed`` tells them all again."""

    def __init__(self, count: int) -> None:
        self.seed = SystemRandom().randrange(10**6)
        self.chance = Random(self.seed)
        reports = stories(self.chance, count)
        self.arriving = disordered(self.chance, reports)
        self.newest = newest_of(reports)
        self.refused = 0

    async def tell(self, world: World, reports: Iterable[Reservation] | None = None) -> None:
        """Reports all of it, some at once, each until it is acknowledged."""
        left = iter(self.arriving if reports is None else reports)

        async def lane() -> None:
            for report in left:
                await self._insist(world, report)

        await asyncio.gather(*(lane() for _ in range(PARALLEL_REPORTS)))

    async def _insist(self, world: World, report: Reservation) -> None:
        while True:
            try:
                await world.slotsync.report(report)
            except NotTaken:
                self.refused += 1
            else:
                return
