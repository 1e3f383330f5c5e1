"""Switch synchronization on and off."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from slotsync.domain.calendars.messages import BatchProgress, CalendarProgress, CalendarRequest
from slotsync.domain.calendars.owner import Owner, OwnerSettings, Switch
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.workflow_ids import calendar_id
from slotsync.errors import InputError
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.signals import batch_progress, signal_availability, signal_calendar
from workflows.calendar import ManagedCalendarWorkflow

ANSWER_WITHIN = timedelta(seconds=5)
AT_ONCE = 20


class BackfillProgress(Message):
    """How the calendar of an owner fills: its workflow, the batch that calls the reservations, and their events.

    ``doing`` is empty when no workflow answers, ``batch`` is empty when none was needed yet. ``events`` are those of
    open reservations, counted by state.
    """

    doing: str
    batch: BatchProgress | None
    events: dict[SyncState, int]


class SyncSwitch:
    """Changes owners and switches in the store, and tells the workflows of the calendars."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._owners = Owners(store)
        self._events = SyncedEvents(store)

    async def put(self, merchant: str, owner: Owner, settings: OwnerSettings) -> None:
        """Makes an owner known or changes it."""
        before = await asyncio.to_thread(self._owners.get, merchant, owner)
        await asyncio.to_thread(self._owners.put, merchant, owner, settings)
        if settings != before and (settings.sync or (before and before.sync)):
            await self._tell(merchant, [owner])
        if settings != before and await asyncio.to_thread(self._owners.is_blocked, merchant, owner):
            await signal_availability(self._client, merchant, owner.id)

    async def switch(self, merchant: str, owner: Owner | None, switch: Switch) -> None:
        """Turns one owner on or off, or the merchant as a whole. Raises ``InputError`` for an unknown owner."""
        if owner is None:
            await asyncio.to_thread(self._owners.switch_all, merchant, switch)
            owners = await asyncio.to_thread(self._owners.all, merchant)
            await self._tell(merchant, [each for each, settings in owners.items() if settings.sync])
        elif await asyncio.to_thread(self._owners.switch, merchant, owner, switch):
            await self._tell(merchant, [owner])
        else:
            raise InputError(f"{owner}: is not known; put its settings first")

    async def backfill(self, merchant: str, owner: Owner) -> BackfillProgress:
        """How the owner's calendar fills."""
        now = datetime.now(UTC)
        told = await self._progress(merchant, owner)
        return BackfillProgress(
            doing=told.doing if told else "",
            batch=await batch_progress(self._client, told.backfill_job) if told and told.backfill_job else None,
            events=await asyncio.to_thread(self._events.open_states, merchant, owner, now),
        )

    async def _tell(self, merchant: str, owners: Iterable[Owner]) -> None:
        """Starts the workflows of these calendars, or tells those that run."""
        some = asyncio.Semaphore(AT_ONCE)

        async def tell(owner: Owner) -> None:
            async with some:
                await self._signal(merchant, owner)

        await asyncio.gather(*map(tell, owners))

    async def _signal(self, merchant: str, owner: Owner) -> None:
        request = CalendarRequest(merchant=merchant, owner=owner)
        await signal_calendar(self._client, request, "settings_changed")

    async def _progress(self, merchant: str, owner: Owner) -> CalendarProgress | None:
        handle = self._client.get_workflow_handle(calendar_id(merchant, owner))
        try:
            return await handle.query(ManagedCalendarWorkflow.progress, rpc_timeout=ANSWER_WITHIN)
        except (RPCError, WorkflowQueryFailedError):
            return None
