"""After a grant is back, what waited for it goes on by its start, and the settings page shows how far it is."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.signals import signal_connection
from tests.support.parked_reservations import until_parked
from tests.support.refused_grants import refuse
from tests.support.samples import MERCHANT, TOUR, item, snapshot
from tests.support.site import Site, running_site
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

DAYS = {"R-1": 28, "R-2": 3, "R-3": 11, "R-4": 20, "R-5": 7}
BY_START = ["R-2", "R-5", "R-3", "R-4", "R-1"]


@pytest.fixture
async def site(local_google: RunningLocalGoogle, tmp_path: Path) -> AsyncIterator[Site]:
    """The settings page of a connected merchant."""
    async with running_site(local_google, tmp_path) as site, site.world.working():
        await site.world.add_merchant(TOUR)
        await signal_connection(site.world.client, MERCHANT, "granted")
        await site.world.slotsync.report(snapshot(1))
        await site.world.settled(1)
        yield site


async def report_all(world: World) -> None:
    for name, day in DAYS.items():
        await world.slotsync.report(snapshot(3, item(day=day), name=name))


async def last_signal_at(client: Client, name: str) -> datetime:
    """Return when the reservation's workflow was signalled last."""
    signals = [
        event.event_time.ToDatetime()
        async for event in client.get_workflow_handle(reservation_id(MERCHANT, name)).fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    return signals[-1]


async def test_what_starts_soonest_goes_on_first_and_the_page_shows_the_progress(site: Site) -> None:
    world = site.world
    await refuse(world)
    await report_all(world)
    await until_parked(world, len(DAYS))
    async with site.visitor() as mine:
        assert "follow by themselves" not in (await mine.get("/settings/")).text, "it waits for the merchant"
        await world.heal()
        await world.fault(method="events.insert", kind="slow", seconds=2, probability=1)
        await world.connect()
        assert "follow by themselves" in (await mine.get("/settings/")).text, "it is about to be signalled"
        await signal_connection(world.client, MERCHANT, "granted")

        async def shown() -> bool:
            page = (await mine.get("/settings/work")).text
            return "of 5 upcoming entries" in page and 'data-live="pending"' in page

        await until(shown)
        for name in DAYS:
            await world.settled(3, name)
        assert "All upcoming entries are in Google Calendar." in (await mine.get("/settings/work")).text
        assert 'data-live="pending"' not in (await mine.get("/settings/")).text
    signalled = {name: await last_signal_at(world.client, name) for name in DAYS}
    assert sorted(signalled, key=lambda name: signalled[name]) == BY_START
