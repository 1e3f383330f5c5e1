"""Many calendars at once: created in the order in which they are needed, also after a worker was killed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from temporalio.testing import TimeSkipper

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.calendars.creation_limit import MAX_CALENDARS_PER_HOUR, PERMIT_COUNT_WINDOW, Permit
from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.secrets import Vault
from slotsync.store.calendars.creation_permits import CalendarPermits
from slotsync.store.calendars.owners import Owners
from slotsync.temporal.signals import signal_calendar
from starter.local.processes import slotsync_command
from tests.support.comparison import find_duplicate_calendars
from tests.support.managed_calendars import in_google, workflow_handle
from tests.support.processes import Part, environment_of, ready_at_once
from tests.support.samples import MERCHANT, item, settings_of, snapshot
from tests.support.settings import settings_for
from tests.support.temporal_servers import TimeSkippingServer
from tests.support.waiting import until
from tests.support.world import World, world_of

pytestmark = pytest.mark.anyio

TOURS = [Owner.product(f"tour-{number:03}") for number in range(90)]
BOOKED = TOURS[-10:]


@pytest.fixture
def key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def vault(key: str) -> Vault:
    """A vault with a key that another process can be given."""
    return Vault([key])


@pytest.fixture
async def open_world(
    local_google: RunningLocalGoogle, time_skipping_server: TimeSkippingServer, vault: Vault, key: str, tmp_path: Path
) -> AsyncIterator[World]:
    """A merchant with 90 products, all switched off; no time is skipped yet."""
    async with world_of(
        settings_for(local_google.url, tmp_path, key), vault, time_skipping_server.client
    ) as open_world:
        await open_world.connect()
        for tour in TOURS:
            Owners(open_world.store).put(MERCHANT, tour, settings_of(tour, sync=False))
        yield open_world


@asynccontextmanager
async def worker_process(open_world: World) -> AsyncIterator[Part]:
    """Yield a worker process that can be killed."""
    environment = environment_of(open_world.settings, open_world.client)
    async with AsyncExitStack() as at_end:
        command = slotsync_command("worker")
        worker = Part("worker", command, open_world.settings.data_folder, environment, ready_at_once, at_end)
        await worker.start()
        yield worker


async def turn_on(open_world: World, tours: Iterable[Owner]) -> None:
    for tour in tours:
        Owners(open_world.store).put(MERCHANT, tour, settings_of(tour, sync=True))
    await open_world.slotsync.turn_on(MERCHANT)


async def made(open_world: World) -> list[str]:
    return sorted(each["summary"] for each in await in_google(open_world))


async def fly(skipper: TimeSkipper, open_world: World, owners: Iterable[Owner], span: timedelta) -> None:
    await asyncio.gather(*(skipper.fast_forward(workflow_handle(open_world, owner), span) for owner in owners))


async def fly_until_all_are_made(skipper: TimeSkipper, open_world: World) -> None:
    """Skip a window at a time for the calendars that still wait.

    Each has a clock of its own, and one that runs ahead of the others is still behind them in line: how many windows it
    then takes is not the same in each run.
    """
    while waiting := [tour for tour in TOURS if tour.id not in await made(open_world)]:
        await fly(skipper, open_world, waiting, PERMIT_COUNT_WINDOW)


async def turn_on_until_the_worker_is_killed(open_world: World) -> None:
    """Kill the worker during slow calls: Google creates those calendars, and no worker gets the answers."""
    async with worker_process(open_world) as worker:
        for day, tour in enumerate(BOOKED, 1):
            await open_world.slotsync.report(snapshot(1, item(tour.id, day=day), name=tour.id))
            await open_world.settled(1, tour.id)
        await open_world.fault(method="calendars.insert", kind="slow", probability=1, seconds=2)
        await turn_on(open_world, TOURS)
        await until(lambda: some_made(open_world, 5))
        await worker.kill()
    noted = [permit for permit in permits(open_world) if permit.used]
    await until(lambda: some_made(open_world, len(noted) + 1))
    await open_world.heal()
    assert len(noted) < MAX_CALENDARS_PER_HOUR, "it was killed in the middle"


@pytest.mark.timeout(400)
async def test_90_products_turned_on_at_once_get_one_calendar_each_never_more_than_forty_in_an_hour(
    open_world: World, skipper: TimeSkipper
) -> None:
    await turn_on_until_the_worker_is_killed(open_world)
    async with open_world.working():
        await until(lambda: some_made(open_world, MAX_CALENDARS_PER_HOUR), poll_interval=0.5)
        assert {tour.id for tour in BOOKED} <= {*await made(open_world)}, "those that are needed come first"
        waiting = [tour for tour in TOURS if tour.id not in await made(open_world)]
        assert len(waiting) == len(TOURS) - MAX_CALENDARS_PER_HOUR
        await fly_until_all_are_made(skipper, open_world)
    assert await made(open_world) == [tour.id for tour in TOURS], "each once"
    assert await find_duplicate_calendars(open_world) == []
    assert await asked_for(open_world) == len(TOURS), "what the killed worker had asked for was found, not made again"
    assert sorted(permit.owner.id for permit in permits(open_world)) == [tour.id for tour in TOURS], (
        "one permit for each"
    )
    given = [permit.since for permit in permits(open_world)]
    assert (
        max(sum(start <= each < start + timedelta(hours=1) for each in given) for start in given)
        <= MAX_CALENDARS_PER_HOUR
    )
    assert max(given) - datetime.now(UTC) > timedelta(hours=2), "by the clocks of the workflows it took hours"


def permits(open_world: World) -> list[Permit]:
    return CalendarPermits(open_world.store).get_permits(MERCHANT)


async def asked_for(open_world: World) -> int:
    """Return the number of calls that create a calendar."""
    totals = (await open_world.http.get("/sandbox/calls")).raise_for_status().json()["totals"]
    return int(totals["calendars.insert"])


async def some_made(open_world: World, count: int) -> bool:
    return len(await made(open_world)) >= count


async def test_a_calendar_that_waits_for_a_permit_shows_when_it_comes(open_world: World, skipper: TimeSkipper) -> None:
    *_, last = tours = TOURS[: MAX_CALENDARS_PER_HOUR + 10]
    for tour in tours[:MAX_CALENDARS_PER_HOUR]:
        CalendarPermits(open_world.store).request(MERCHANT, tour, datetime.now(UTC))
    async with open_world.working():
        await turn_on(open_world, tours)

        async def reported() -> bool:
            doing = (await open_world.slotsync.backfill_progress(MERCHANT, last)).doing
            return doing.startswith("Number 10 in line for a new calendar: about ")

        await until(reported)


async def test_a_permit_that_was_requested_too_early_is_requested_again(open_world: World) -> None:
    """A permit that was requested too early is not granted: its calendar would not be counted."""
    *others, last = TOURS[: MAX_CALENDARS_PER_HOUR + 1]
    due = datetime.now(UTC) + timedelta(seconds=3)
    for tour in others:
        CalendarPermits(open_world.store).request(MERCHANT, tour, due - PERMIT_COUNT_WINDOW)
    Owners(open_world.store).put(MERCHANT, last, settings_of(last, sync=True))

    async def come() -> bool:
        return datetime.now(UTC) > due

    async with open_world.working():
        with open_world.store.write():  # which keeps the answer back
            await signal_calendar(open_world.client, CalendarRequest(merchant=MERCHANT, owner=last), "settings_changed")
            await until(come)
        await until(lambda: some_made(open_world, 1))
    assert [permit.owner for permit in permits(open_world)].count(last) == 1
