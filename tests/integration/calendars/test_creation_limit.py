"""Many calendars at once: in turn, the soonest needed first, whatever happens to the workers."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from temporalio.testing import TimeSkipper

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.calendars.creation_limit import LIMIT, WINDOW, Permit
from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.secrets import Vault
from slotsync.store.calendars.creation_permits import CalendarPermits
from slotsync.store.calendars.owners import Owners
from slotsync.temporal.signals import signal_calendar
from starter.local.processes import slotsync_command
from tests.support.comparison import calendars_twice
from tests.support.managed_calendars import in_google, life_of
from tests.support.processes import Part, environment_of, ready_at_once
from tests.support.samples import MERCHANT, item, settings_of, snapshot
from tests.support.settings import settings_for
from tests.support.temporal_servers import TimeSkippingServer
from tests.support.waiting import until
from tests.support.world import World, world_of

pytestmark = pytest.mark.anyio

TOURS = [Owner.product(f"tour-{number:03}") for number in range(150)]
BOOKED = TOURS[-10:]


@pytest.fixture
def key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def vault(key: str) -> Vault:
    """With a key that can be told to another process."""
    return Vault([key])


@pytest.fixture
async def shop(
    google: RunningLocalGoogle, flying: TimeSkippingServer, vault: Vault, key: str, tmp_path: Path
) -> AsyncIterator[World]:
    """A merchant with 150 products that are off; nobody's time flies yet."""
    async with world_of(settings_for(google.url, tmp_path, key), vault, flying.client) as shop:
        await shop.connect()
        for tour in TOURS:
            Owners(shop.store).put(MERCHANT, tour, settings_of(tour, sync=False))
        yield shop


@asynccontextmanager
async def worker_process(shop: World) -> AsyncIterator[Part]:
    """A worker that can be killed."""
    environment = environment_of(shop.settings, shop.client.service_client.config.target_host)
    async with AsyncExitStack() as at_end:
        command = slotsync_command("worker")
        worker = Part("worker", command, shop.settings.data_folder, environment, ready_at_once, at_end)
        await worker.start()
        yield worker


async def turn_all_on(shop: World) -> None:
    for tour in TOURS:
        settings = settings_of(tour)
        Owners(shop.store).put(MERCHANT, tour, settings)
    await shop.slotsync.turn_on(MERCHANT)


async def made(shop: World) -> list[str]:
    return sorted(each["summary"] for each in await in_google(shop))


async def fly(skipper: TimeSkipper, shop: World, owners: Iterable[Owner], span: timedelta) -> None:
    await asyncio.gather(*(skipper.fast_forward(life_of(shop, owner), span) for owner in owners))


async def turn_on_until_the_worker_is_killed(shop: World) -> None:
    """Google is slow, so that calls are in flight by then: it makes those calendars, and nobody hears of it."""
    async with worker_process(shop) as worker:
        for day, tour in enumerate(BOOKED, 1):
            await shop.slotsync.report(snapshot(1, item(tour.id, day=day), name=tour.id))
            await shop.settled(1, tour.id)
        await shop.fault(method="calendars.insert", kind="slow", probability=1, seconds=5)
        await turn_all_on(shop)
        await until(lambda: some_made(shop, 5))
        await worker.kill()
    noted = [permit for permit in permits(shop) if permit.used]
    await until(lambda: some_made(shop, len(noted) + 1))
    await shop.heal()
    assert len(noted) < LIMIT, "it was killed in the middle"


@pytest.mark.timeout(400)
async def test_150_products_turned_on_at_once_get_one_calendar_each_never_more_than_forty_in_an_hour(
    shop: World, skipper: TimeSkipper
) -> None:
    await turn_on_until_the_worker_is_killed(shop)
    async with shop.working():
        await until(lambda: some_made(shop, LIMIT), look=0.5)
        assert {tour.id for tour in BOOKED} <= {*await made(shop)}, "those that are needed come first"
        waiting = [tour for tour in TOURS if tour.id not in await made(shop)]
        assert len(waiting) == len(TOURS) - LIMIT
        await fly(skipper, shop, waiting, 4 * WINDOW)
        await until(lambda: some_made(shop, len(TOURS)), look=0.5)
    assert await made(shop) == [tour.id for tour in TOURS], "each once"
    assert await calendars_twice(shop) == []
    assert await asked_for(shop) == len(TOURS), "what the killed worker had asked for was found, not made again"
    assert sorted(permit.owner.id for permit in permits(shop)) == [tour.id for tour in TOURS], "one permit for each"
    given = [permit.since for permit in permits(shop)]
    assert max(sum(start <= each < start + timedelta(hours=1) for each in given) for start in given) <= LIMIT
    assert max(given) - datetime.now(UTC) > timedelta(hours=3), "by the clocks of the workflows it took hours"


def permits(shop: World) -> list[Permit]:
    return CalendarPermits(shop.store).of(MERCHANT)


async def asked_for(shop: World) -> int:
    """How many calendars Google was asked to make."""
    totals = (await shop.http.get("/sandbox/calls")).raise_for_status().json()["totals"]
    return int(totals["calendars.insert"])


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


async def test_a_turn_that_comes_while_it_is_asked_for_is_asked_for_again(shop: World) -> None:
    """Nothing was given to who asked too early: its calendar would not be counted."""
    *others, last = TOURS[: LIMIT + 1]
    due = datetime.now(UTC) + timedelta(seconds=5)
    for tour in others:
        CalendarPermits(shop.store).request(MERCHANT, tour, due - WINDOW)
    Owners(shop.store).put(MERCHANT, last, settings_of(last))

    async def come() -> bool:
        return datetime.now(UTC) > due

    async with shop.working():
        with shop.store.write():  # which keeps the answer back
            await signal_calendar(shop.client, CalendarRequest(merchant=MERCHANT, owner=last), "settings_changed")
            await until(come)
        await until(lambda: some_made(shop, 1))
    assert [permit.owner for permit in permits(shop)].count(last) == 1
