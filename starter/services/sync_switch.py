"""Turn synchronization on and off."""

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
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.signals import get_batch_progress, signal_availability, signal_calendar
from workflows.calendar import ManagedCalendarWorkflow

QUERY_TIMEOUT = timedelta(seconds=5)
MAX_PARALLEL_SIGNALS = 20


class BackfillProgress(Message):
    """The progress of filling an owner's calendar: its workflow, the batch that signals the reservations, their events.

    ``doing`` is empty if no workflow answers, ``batch`` is None if none was needed yet. ``events`` counts the events of
    open reservations by state.
    """

    doing: str
    batch: BatchProgress | None
    events: dict[SyncState, int]


class SyncSwitch:
    """Changes owners and their switches in the store, and signals the workflows of their calendars."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._owners = Owners(store)
        self._merchants = Merchants(store)
        self._events = SyncedEvents(store)

    async def put_owner(self, merchant: str, owner: Owner, settings: OwnerSettings) -> None:
        """Add an owner, or change its settings."""
        before = await asyncio.to_thread(self._owners.get, merchant, owner)
        await asyncio.to_thread(self._owners.put, merchant, owner, settings)
        # Reservations of a product that was unknown wait for its settings, also for those that say not to synchronize.
        if settings != before and (settings.sync or before is None or before.sync):
            await self._signal_calendars(merchant, [owner])
        if settings != before and await asyncio.to_thread(self._owners.has_blocking_calendars, merchant, owner):
            await signal_availability(self._client, merchant, owner.id)

    async def switch(self, merchant: str, owner: Owner | None, switch: Switch) -> None:
        """Turn synchronization on or off for one owner, or for the whole merchant if ``owner`` is None.

        Raises:
            InputError: the owner is not known.
        """
        if owner is None:
            await asyncio.to_thread(self._merchants.switch, merchant, switch)
            owners = await asyncio.to_thread(self._owners.get_all, merchant)
            await self._signal_calendars(merchant, [each for each, settings in owners.items() if settings.sync])
        elif await asyncio.to_thread(self._owners.switch, merchant, owner, switch):
            await self._signal_calendars(merchant, [owner])
        else:
            raise InputError(f"{owner}: is not known; put its settings first")

    async def get_backfill_progress(self, merchant: str, owner: Owner) -> BackfillProgress:
        """Return the progress of filling the owner's calendar."""
        now = datetime.now(UTC)
        progress = await self._query_calendar(merchant, owner)
        job_id = progress.backfill_job if progress else None
        return BackfillProgress(
            doing=progress.doing if progress else "",
            batch=await get_batch_progress(self._client, job_id) if job_id else None,
            events=await asyncio.to_thread(self._events.count_open_states, merchant, owner, now),
        )

    async def _signal_calendars(self, merchant: str, owners: Iterable[Owner]) -> None:
        """Signal the workflows of these owners' calendars; those that do not run are started."""
        semaphore = asyncio.Semaphore(MAX_PARALLEL_SIGNALS)

        async def signal(owner: Owner) -> None:
            async with semaphore:
                request = CalendarRequest(merchant=merchant, owner=owner)
                await signal_calendar(self._client, request, "settings_changed")

        await asyncio.gather(*map(signal, owners))

    async def _query_calendar(self, merchant: str, owner: Owner) -> CalendarProgress | None:
        handle = self._client.get_workflow_handle(calendar_id(merchant, owner))
        try:
            return await handle.query(ManagedCalendarWorkflow.progress, rpc_timeout=QUERY_TIMEOUT)
        except (RPCError, WorkflowQueryFailedError):
            return None
