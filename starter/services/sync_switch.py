"""Turn synchronization on and off."""

import asyncio
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.messages import CalendarProgress, CalendarRequest
from slotsync.domain.calendars.owner import Owner, OwnerChanges, OwnerKind, Switch
from slotsync.domain.messages import IDENTIFIER, Message
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.workflow_ids import calendar_id
from slotsync.errors import InputError, UnknownSubject
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.merchant_switches import MerchantSwitches, SwitchProgress
from slotsync.store.calendars.owner_rows import OwnerIntent
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.signals import signal_availability, signal_calendar, signal_switch

QUERY_TIMEOUT = timedelta(seconds=2)


class UnknownOwner(UnknownSubject):
    """The platform has not put settings for this product or resource."""

    def __init__(self, owner: Owner) -> None:
        super().__init__(f"{owner}: is not known; put its settings first")


class BatchProgress(Message):
    """The progress of signalling an owner's reservations: how many there are, and how many were signalled."""

    total: int
    done: int
    failed: int
    running: bool


class BackfillProgress(Message):
    """The progress of filling an owner's calendar: what is being done, the signals to its reservations, their events.

    ``doing`` is empty if the owner is unknown, ``batch`` is None if no signals were needed yet. ``events`` counts the
    events of open reservations by state.
    """

    doing: str
    batch: BatchProgress | None
    events: dict[SyncState, int]


class SyncSwitch:
    """Changes owners and their switches in the store, and signals the workflows of their calendars."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._owners = Owners(store, AuditLog(store, vault))
        self._events = SyncedEvents(store)
        self._switches = MerchantSwitches(store)

    async def put_owner(
        self, merchant: str, owner: Owner, changes: OwnerChanges, chooser: Chooser, *, override: bool = False
    ) -> None:
        """Add an owner, or change its settings: they are stored, then its workflows are signalled.

        Settings that are known and carried out already cost nothing.

        Raises:
            InputError: the owner is new, and has no name; or an id cannot be one.
        """
        require_identifier("merchant", merchant)
        require_identifier(owner.kind, owner.id)
        if not await asyncio.to_thread(self._owners.put, merchant, owner, changes, chooser, override=override):
            return
        await self._signal_calendar(merchant, owner)
        if await asyncio.to_thread(self._owners.has_blocking_calendars, merchant, owner):
            await signal_availability(self._client, merchant, owner.id)

    async def delete_owner(self, merchant: str, owner: Owner, *, remove_events: bool) -> None:
        """Delete an owner; its calendar and our events in it are removed from Google, or stay as they are.

        Raises:
            UnknownSubject: the owner is not known.
        """
        if not await asyncio.to_thread(self._owners.delete, merchant, owner, remove_events=remove_events):
            raise UnknownOwner(owner)
        await self._signal_calendar(merchant, owner)
        if owner.kind is OwnerKind.PRODUCT:
            await signal_availability(self._client, merchant, owner.id)

    async def switch(
        self, merchant: str, owner: Owner | None, switch: Switch, chooser: Chooser, *, override: bool = False
    ) -> None:
        """Turn synchronization on or off for one owner, or for the whole merchant if ``owner`` is None.

        That is stored when this returns. A workflow then signals the merchant's owners, which takes a while for many.

        Raises:
            UnknownSubject: the owner is not known.
            MerchantsChoice: the merchant has switched it the other way, and there is no ``override``.
        """
        if owner is None:
            await asyncio.to_thread(self._owners.switch_merchant, merchant, switch, chooser, override=override)
            await signal_switch(self._client, merchant)
        elif await asyncio.to_thread(self._owners.switch, merchant, owner, switch, chooser, override=override):
            await self._signal_calendar(merchant, owner)
        else:
            raise UnknownOwner(owner)

    async def get_switch_progress(self, merchant: str) -> SwitchProgress | None:
        """Return how far the last switch of the whole merchant is carried out, or None if there was none."""
        return await asyncio.to_thread(self._switches.get_progress, merchant)

    async def get_backfill_progress(self, merchant: str, owner: Owner) -> BackfillProgress:
        """Return the progress of filling the owner's calendar."""
        stored = await asyncio.to_thread(self._read_progress, merchant, owner)
        doing = await self._query_calendar(merchant, owner)
        return stored.model_copy(update={"doing": doing}) if doing else stored

    def _read_progress(self, merchant: str, owner: Owner) -> BackfillProgress:
        intent = self._owners.get_intent(merchant, owner)
        return BackfillProgress(
            doing=_describe(intent),
            batch=_batch(intent),
            events=self._events.count_open_states(merchant, owner, datetime.now(UTC)),
        )

    async def _signal_calendar(self, merchant: str, owner: Owner) -> None:
        """Signal the workflow of the owner's calendar; one that does not run is started."""
        await signal_calendar(self._client, CalendarRequest(merchant=merchant, owner=owner), "settings_changed")

    async def _query_calendar(self, merchant: str, owner: Owner) -> str:
        """Return what the calendar's workflow does now, empty if it does not run or no worker answers."""
        handle = self._client.get_workflow_handle(calendar_id(merchant, owner))
        try:
            # By name: its module needs what talks to Google, which takes long to load.
            progress: CalendarProgress = await handle.query(
                "progress", result_type=CalendarProgress, rpc_timeout=QUERY_TIMEOUT
            )
        except (RPCError, WorkflowQueryFailedError):
            return ""
        return progress.doing


def _batch(intent: OwnerIntent | None) -> BatchProgress | None:
    """Return how many reservations were signalled after the last change, or None before the first time."""
    if intent is None or intent.to_signal is None:
        return None
    running = intent.applied_revision < intent.revision
    return BatchProgress(total=intent.to_signal, done=intent.signalled, failed=0, running=running)


def _describe(intent: OwnerIntent | None) -> str:
    if intent is None:
        return ""
    if intent.stopped_at:
        return "An operator has stopped the calendar's workflow"
    if intent.applied_revision < intent.revision:
        return "Signalling the open reservations"
    return "Waiting for the calendar, or for Google" if intent.due_at else "The calendar is as it should be"


def require_identifier(name: str, identifier: str) -> None:
    """Check an id that a caller in Python gives; those of the API are checked with its paths.

    Raises:
        InputError: it cannot be an id.
    """
    try:
        IDENTIFIER.validate_python(identifier)
    except ValidationError as error:
        raise InputError(f"{name}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
