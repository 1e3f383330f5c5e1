"""Pick the calendars that block a product."""

import asyncio
from collections.abc import Sequence

from temporalio.client import Client

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.errors import InputError
from slotsync.google.calendar_list import GoogleCalendarList, pickable
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.managed_calendars import Calendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.temporal.signals import signal_availability
from starter.services.google import MerchantGoogle

MOST_PICKED = 50


class BlockingCalendarService:
    """Lists a merchant's calendars live, and remembers only those that are picked."""

    def __init__(self, google: MerchantGoogle, store: Store, vault: Vault, client: Client) -> None:
        self._client = client
        self._google = google
        self._calendars = Calendars(store)
        self._owners = Owners(store)
        self._picked = BlockingCalendars(store, vault)

    async def pickable(self, merchant: str) -> list[PickableCalendar]:
        """The merchant's calendars, fresh from Google, without those that slotsync made."""
        entries = await self._google.ask(merchant, GoogleCalendarList(self._google.services).of)
        managed = await asyncio.to_thread(self._calendars.is_managed, [each["id"] for each in entries])
        return pickable(entries, managed)

    async def picked(self, merchant: str, owner: Owner) -> list[PickableCalendar]:
        """Those that block the product or resource."""
        return await asyncio.to_thread(self._picked.of, merchant, owner)

    async def pick(self, merchant: str, owner: Owner, calendar_ids: Sequence[str]) -> list[PickableCalendar]:
        """Makes these the ones that block it; an ``InputError`` names what cannot be picked, and nothing changes."""
        if await asyncio.to_thread(self._owners.get, merchant, owner) is None:
            raise InputError(f"{owner}: is not known; put its settings first")
        if len(calendar_ids) > MOST_PICKED:
            raise InputError(f"calendar_ids: at most {MOST_PICKED} calendars can block one product")
        chosen = await self._chosen(merchant, calendar_ids) if calendar_ids else []
        await asyncio.to_thread(self._picked.pick, merchant, owner, chosen)
        if owner.kind is OwnerKind.PRODUCT:
            await signal_availability(self._client, merchant, owner.id)
        return chosen

    async def _chosen(self, merchant: str, wanted: Sequence[str]) -> list[PickableCalendar]:
        there = {each.id: each for each in await self.pickable(merchant)}
        # By number: an id may be somebody's address.
        strange = [number for number, each in enumerate(wanted, 1) if each not in there]
        if strange:
            raise InputError(
                f"calendar_ids: number {', '.join(map(str, strange))} is not among the merchant's calendars, "
                "or is one that slotsync fills; pick from the list"
            )
        return [there[each] for each in dict.fromkeys(wanted)]
