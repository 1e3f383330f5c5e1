"""A merchant with blocking calendars, and a platform that receives webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.temporal.signals import signal_availability
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.settings import settings_for
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.world import World, world_of


@dataclass(frozen=True)
class AvailabilityWorld:
    """A merchant with products and an own calendar, in a world of their own."""

    world: World
    webhooks: WebhookReceiver

    async def block(self, *calendar_ids: str, product: Owner = TOUR) -> None:
        """Pick the calendars that block the product, as the settings page does."""
        calendars = [PickableCalendar(id=each, name="Picked") for each in calendar_ids]
        BlockingCalendars(self.world.store, self.world.vault).replace(MERCHANT, product, calendars)
        await signal_availability(self.world.client, MERCHANT, product.id)

    async def calendar(self, name: str) -> str:
        """Create a calendar by hand, and return its id."""
        address = f"/sandbox/accounts/{EMAIL}/calendars"
        answer = (await self.world.http.post(address, json={"summary": name})).raise_for_status()
        return str(answer.json()["id"])

    async def busy(self, start: datetime, end: datetime, calendar: str = EMAIL) -> str:
        """Create an event by hand, and return its id."""
        body = {"summary": "Dentist", "start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
        answer = await self.world.http.post(self._events(calendar), json=body)
        return str(answer.raise_for_status().json()["id"])

    async def busy_all_day(self, day: date, calendar: str = EMAIL) -> None:
        """Create an event of a whole day by hand."""
        days = {"start": {"date": f"{day}"}, "end": {"date": f"{day + timedelta(days=1)}"}}
        (await self.world.http.post(self._events(calendar), json={"summary": "Fair", **days})).raise_for_status()

    async def free(self, event: str, calendar: str = EMAIL) -> None:
        """Delete an event by hand."""
        (await self.world.http.delete(f"{self._events(calendar)}/{event}")).raise_for_status()

    async def count_calls(self, method: str) -> int:
        """Return how many calls of a method the local Google has had."""
        answer = (await self.world.http.get("/sandbox/calls")).raise_for_status()
        return int(answer.json()["totals"].get(method, 0))

    def _events(self, calendar: str) -> str:
        return f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"


@asynccontextmanager
async def open_availability_world(  # noqa: PLR0913  what a shop stands on
    local_google: RunningLocalGoogle,
    vault: Vault,
    client: Client,
    webhooks: WebhookReceiver,
    folder: Path,
    *,
    key: str | None = None,
    **more: object,
) -> AsyncIterator[AvailabilityWorld]:
    """Yield a merchant that is polled every second."""
    settings = webhooks.settings(settings_for(local_google.url, folder, key)).model_copy(
        update={"poll_seconds": 1, **more}
    )
    async with world_of(settings, vault, client) as world:
        await world.add_merchant(TOUR)
        yield AvailabilityWorld(world, webhooks)
