"""List and pick the calendars that block a product."""

import asyncio
from collections.abc import Sequence

from temporalio.client import Client

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.errors import InputError
from slotsync.google.calendar_list import GoogleCalendarList, select_pickable
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.temporal.signals import signal_availability
from starter.services.google import MerchantGoogle

MAX_PICKED_CALENDARS = 50


class BlockingCalendarService:
    """Lists a merchant's calendars live from Google, and stores only the picked ones."""

    def __init__(self, google: MerchantGoogle, store: Store, vault: Vault, client: Client) -> None:
        self._client = client
        self._google = google
        self._calendars = ManagedCalendars(store)
        self._connections = Connections(store, vault)
        self._owners = Owners(store)
        self._picked = BlockingCalendars(store, vault)

    async def list_pickable(self, merchant: str, *, recent: bool = False) -> list[PickableCalendar]:
        """Return the merchant's calendars, read from Google now, without the managed calendars.

        With ``recent``, what was read within the last half minute is enough. Picked calendars that have another name by
        now get it.

        Raises:
            GrantLost: the merchant has no active connection.
        """
        list_entries = GoogleCalendarList(self._google.services).list_entries
        if recent:
            entries = await self._google.look(merchant, "calendars", list_entries)
        else:
            entries = await self._google.call(merchant, list_entries)
        managed = await asyncio.to_thread(self._calendars.filter_managed, [each["id"] for each in entries])
        pickable = select_pickable(entries, managed)
        await asyncio.to_thread(self._picked.rename, merchant, {each.id: each.name for each in pickable})
        return pickable

    async def list_picked(self, merchant: str, owner: Owner) -> list[PickableCalendar]:
        """Return the calendars that block the product or resource."""
        return await asyncio.to_thread(self._picked.get_calendars, merchant, owner)

    async def list_unlisted(
        self, merchant: str, owner: Owner, listed: Sequence[PickableCalendar]
    ) -> list[PickableCalendar]:
        """Return the calendars that block the owner, but are not among those that can be picked now."""
        ids = {each.id for each in listed}
        unlisted = [each for each in await self.list_picked(merchant, owner) if each.id not in ids]
        managed = await asyncio.to_thread(self._calendars.filter_managed, [each.id for each in unlisted])
        return [each for each in unlisted if each.id not in managed]

    async def pick(self, merchant: str, owner: Owner, calendar_ids: Sequence[str]) -> list[PickableCalendar]:
        """Replace the calendars that block the product or resource, and return the new ones.

        A picked calendar that is no longer in the merchant's list can stay: it may be back tomorrow.

        Raises:
            InputError: the owner is unknown, or a calendar cannot be picked; the message names it. Nothing has changed.
            GrantLost: the merchant has no active connection, or another one than before.
        """
        if await asyncio.to_thread(self._owners.get, merchant, owner) is None:
            raise InputError(f"{owner}: is not known; put its settings first")
        if len(calendar_ids) > MAX_PICKED_CALENDARS:
            raise InputError(f"calendar_ids: at most {MAX_PICKED_CALENDARS} calendars can block one product")
        number = await asyncio.to_thread(self._connections.get_grant_number, merchant) if calendar_ids else None
        chosen = await self._find_calendars(merchant, owner, calendar_ids) if calendar_ids else []
        await asyncio.to_thread(self._picked.replace, merchant, owner, chosen, number)
        if owner.kind is OwnerKind.PRODUCT:
            await signal_availability(self._client, merchant, owner.id)
        return chosen

    async def _find_calendars(self, merchant: str, owner: Owner, calendar_ids: Sequence[str]) -> list[PickableCalendar]:
        listed = await self.list_pickable(merchant)
        unlisted = await self.list_unlisted(merchant, owner, listed)
        pickable = {each.id: each for each in (*listed, *unlisted)}
        # The message names positions, because an id can be a person's email address.
        unknown = [position for position, each in enumerate(calendar_ids, 1) if each not in pickable]
        if unknown:
            raise InputError(
                f"calendar_ids: number {', '.join(map(str, unknown))} is not among the merchant's calendars, "
                "or is one that slotsync fills; pick from the list"
            )
        return [pickable[each] for each in dict.fromkeys(calendar_ids)]
