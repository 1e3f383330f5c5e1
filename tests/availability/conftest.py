"""Merchants whose own calendars block their products, and a platform that hears of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from localgoogle.server import RunningLocalGoogle
from slotsync.busy_times.poller import BusyReader
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.temporal.signals import tell_availability
from tests.availability.account import Desk, running_desk
from tests.platform import Platform, running_platform
from tests.servers import real_time
from tests.world import EMAIL, MERCHANT, TOUR, World, settings_for, world_of


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk for all tests of a module, where it is the module's ``NOON``."""
    with running_desk(tmp_path_factory.mktemp("desk"), request.module.NOON) as desk:
        yield desk


@pytest.fixture
def desk(running: Desk, request: pytest.FixtureRequest) -> Iterator[Desk]:
    running.clock.now = request.module.NOON
    yield running
    running.heal()


@pytest.fixture
def reader(desk: Desk) -> Iterator[BusyReader]:
    with desk.reader() as reader:
        yield reader


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running_platform() as running:
        yield running


@dataclass(frozen=True)
class Shop:
    """A merchant with products and an own calendar, in a world of their own."""

    world: World
    platform: Platform

    async def block(self, *calendar_ids: str, product: Owner = TOUR) -> None:
        """Picks the calendars that block the product, as the settings page does."""
        calendars = [PickableCalendar(id=each, name="Picked") for each in calendar_ids]
        BlockingCalendars(self.world.store, self.world.vault).pick(MERCHANT, product, calendars)
        await tell_availability(self.world.client, MERCHANT, product.id)

    async def calendar(self, name: str) -> str:
        """A calendar that the merchant makes by hand."""
        address = f"/sandbox/accounts/{EMAIL}/calendars"
        answer = (await self.world.http.post(address, json={"summary": name})).raise_for_status()
        return str(answer.json()["id"])

    async def busy(self, start: datetime, end: datetime, calendar: str = EMAIL) -> str:
        """An event that the merchant enters by hand."""
        body = {"summary": "Dentist", "start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
        answer = await self.world.http.post(self._events(calendar), json=body)
        return str(answer.raise_for_status().json()["id"])

    async def free(self, event: str, calendar: str = EMAIL) -> None:
        """Deletes it by hand."""
        (await self.world.http.delete(f"{self._events(calendar)}/{event}")).raise_for_status()

    def _events(self, calendar: str) -> str:
        return f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"


@asynccontextmanager
async def shop_with(  # noqa: PLR0913  what a shop stands on
    google: RunningLocalGoogle,
    vault: Vault,
    client: Client,
    platform: Platform,
    folder: Path,
    *,
    key: str | None = None,
    **more: object,
) -> AsyncIterator[Shop]:
    """A shop that polls every second."""
    settings = platform.settings(settings_for(google.url, folder, key)).model_copy(update={"poll_seconds": 1, **more})
    async with world_of(settings, vault, client) as world:
        await world.open_shop(TOUR)
        yield Shop(world, platform)


@pytest.fixture
async def shop(google: RunningLocalGoogle, vault: Vault, platform: Platform, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop that polls every second and hears no push."""
    async with real_time(vault) as client, shop_with(google, vault, client, platform, tmp_path) as built:
        yield built
