"""Many calendars at once: in turn, the soonest needed first, whatever happens to the workers."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.testing import TimeSkipper

from slotsync.rules.owner import Owner
from slotsync.rules.staging import LIMIT, WINDOW
from slotsync.store import CalendarPermits, Owners
from tests.workflows.calendars import in_google, life_of
from tests.world import MERCHANT, World, item, settings_of, snapshot, until

pytestmark = pytest.mark.anyio

TOURS = [Owner.product(f"tour-{number:03}") for number in range(150)]
BOOKED = TOURS[-10:]


@pytest.fixture
async def shop(skipping_world: World, skipper: TimeSkipper) -> World:
    """A merchant with 150 products that are off; nobody's time flies yet."""
    await skipping_world.connect()
    for tour in TOURS:
        Owners(skipping_world.store).put(MERCHANT, tour, settings_of(tour, sync=False))
    return skipping_world


async def turn_all_on(shop: World) -> None:
    for tour in TOURS:
        settings = settings_of(tour)
        Owners(shop.store).put(MERCHANT, tour, settings)
    await shop.slotsync.turn_on(MERCHANT)


async def made(shop: World) -> list[str]:
    return sorted(each["summary"] for each in await in_google(shop))


async def fly(skipper: TimeSkipper, shop: World, owners: Iterable[Owner], span: timedelta) -> None:
    await asyncio.gather(*(skipper.fast_forward(life_of(shop, owner), span) for owner in owners))


@pytest.mark.timeout(400)
async def test_150_products_turned_on_at_once_get_one_calendar_each_never_more_than_forty_in_an_hour(
    shop: World, skipper: TimeSkipper
) -> None:
    async with shop.working():
        for day, tour in enumerate(BOOKED, 1):
            await shop.slotsync.report(snapshot(1, item(tour.id, day=day), name=tour.id))
            await shop.settled(1, tour.id)
        await turn_all_on(shop)
        await until(lambda: some_made(shop, 5))
    # The workers were stopped in the middle; others take over.
    async with shop.working():
        await until(lambda: some_made(shop, LIMIT))
        assert {tour.id for tour in BOOKED} <= {*await made(shop)}, "those that are needed come first"
        waiting = [tour for tour in TOURS if tour.id not in await made(shop)]
        assert len(waiting) == len(TOURS) - LIMIT
        await fly(skipper, shop, waiting, 4 * WINDOW)
        await until(
            lambda: some_made(shop, len(TOURS)),
        )
    assert await made(shop) == [tour.id for tour in TOURS], "each once"
    given = [permit.since for permit in CalendarPermits(shop.store).of(MERCHANT)]
    assert max(sum(start <= each < start + timedelta(hours=1) for each in given) for start in given) <= LIMIT
    assert max(given) - datetime.now(UTC) > timedelta(hours=3), "by the clocks of the workflows it took hours"


async def some_made(shop: World, count: int) -> bool:
    return len(await made(shop)) >= count


async def test_who_waits_for_its_turn_says_when_that_is(shop: World, skipper: TimeSkipper) -> None:
    last = TOURS[-1]
    async with shop.working():
        await turn_all_on(shop)

        async def told() -> bool:
            doing = (await shop.slotsync.backfill_progress(MERCHANT, last)).doing
            return doing.startswith("Number 110 in line for a new calendar: about ")

        await until(told)
