"""The Python client: how a backend tells slotsync what is booked, and asks how it stands."""

import asyncio
from datetime import datetime, timedelta
from typing import Self

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.common import Priority
from temporalio.service import RPCError

from slotsync.domain.availability.availability import Availability
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.messages import Confirmation
from slotsync.domain.calendars.owner import Owner, OwnerSettings, Switch
from slotsync.domain.messages import Message
from slotsync.domain.reservations.messages import Progress, ReservationState
from slotsync.domain.reservations.schedule import starts_at
from slotsync.domain.reservations.snapshot import Reservation, ReservationStatus
from slotsync.domain.workflow_ids import reservation_id
from slotsync.errors import NotTaken
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal import queues
from slotsync.temporal.options import connect
from slotsync.temporal.search_attributes import initial_attributes
from starter.services.availability import AvailabilityService, ConfirmationService
from starter.services.status import EventSyncStatus, Overview, OverviewLine, SyncStatus
from starter.services.sync_switch import BackfillProgress, SyncSwitch
from workflows.reservation import ReservationWorkflow

ANSWER_WITHIN = timedelta(seconds=5)
TAKEN_WITHIN = timedelta(minutes=1)
HORIZON = Horizon()


class Reported(Message):
    """What became of a report: durable, unless a newer version was known already."""

    version: int
    superseded: bool


class Slotsync:
    """A backend's way in. One object serves many calls at once."""

    def __init__(self, client: Client, store: Store, vault: Vault, horizon: Horizon = HORIZON) -> None:
        self._client = client
        self._asking = AvailabilityService(store, vault, horizon)
        self._confirming = ConfirmationService(client, store)
        self._owners = Owners(store)
        self._switching = SyncSwitch(client, store)
        self._reservations = Reservations(store)
        self._events = SyncedEvents(store)

    @classmethod
    async def connect(cls) -> Self:
        """A client as the environment says: SLOTSYNC_* and TEMPORAL_*. Raises ``SettingsError``, with the remedy."""
        settings = Settings.load()
        store = await asyncio.to_thread(Store.open, settings.database_url)
        await asyncio.to_thread(store.require_tables)
        vault = Vault(settings.encryption_keys)
        return cls(await connect(vault), store, vault, settings.horizon)

    async def report(self, reservation: Reservation) -> Reported:
        """Tells the newest state of a reservation; durable when it returns, safe to repeat.

        An older version than the newest known changes nothing, and is answered with ``superseded``. Raises ``NotTaken``
        when Temporal does not answer.
        """
        known = await asyncio.to_thread(self._reservations.version, reservation.merchant, reservation.id)
        if known is not None and known > reservation.version:
            return Reported(version=known, superseded=True)
        await self._signal(reservation)
        return Reported(version=reservation.version, superseded=False)

    async def cancel(self, merchant: str, reservation: str, *, version: int) -> Reported:
        """Takes a reservation's events out of Google."""
        cancelled = Reservation(merchant=merchant, id=reservation, version=version, status=ReservationStatus.CANCELLED)
        return await self.report(cancelled)

    async def put_owner(self, merchant: str, owner: Owner, settings: OwnerSettings) -> None:
        """Makes a product or resource known, with what its merchant chose for it; its calendar follows."""
        await self._switching.put(merchant, owner, settings)

    async def turn_on(self, merchant: str, owner: Owner | None = None) -> None:
        """Synchronizes a product or resource (or, without one, the whole merchant), and fills its calendar."""
        await self._switching.switch(merchant, owner, Switch(sync=True))

    async def turn_off(self, merchant: str, owner: Owner | None = None, *, remove_events: bool) -> None:
        """Synchronizes no longer. Our events stay as they are, or are taken away, with the calendar."""
        await self._switching.switch(merchant, owner, Switch(sync=False, remove_events=remove_events))

    async def backfill_progress(self, merchant: str, owner: Owner) -> BackfillProgress:
        """How the calendar of a product or resource fills after it was turned on."""
        return await self._switching.backfill(merchant, owner)

    async def status(self, merchant: str, reservation: str) -> SyncStatus | None:
        """How a reservation stands; nothing when it is unknown."""
        noted = await asyncio.to_thread(self._noted, merchant, reservation)
        now = await self._progress(merchant, reservation)
        if now is None or now.version is None:
            return noted
        if noted is None:
            return SyncStatus(
                merchant=merchant, reservation=reservation, version=now.version, settled_version=None, doing=now.doing
            )
        return noted.model_copy(update={"version": max(now.version, noted.version), "doing": now.doing})

    async def availability(self, merchant: str, product: str, start: datetime, end: datetime) -> Availability:
        """When a product is busy or unknown between two moments, by what was read last; all else is free.

        Raises ``InputError`` for times that have no zone, do not follow each other or are further apart than the
        horizon, and for a product that is not known.
        """
        return await self._asking.availability(merchant, product, start, end)

    async def explain(self, merchant: str, product: str, at: datetime) -> Explanation:
        """Why a product is free, busy or unknown at a moment; raises ``InputError`` as ``availability`` does."""
        return await self._asking.explanation(merchant, product, at)

    async def confirm(
        self, merchant: str, product: str, start: datetime, end: datetime, *, within: timedelta = timedelta(seconds=2)
    ) -> Confirmation:
        """A booking's last look: whether Google says now that the product is free. What cannot be known is unknown.

        Raises ``InputError`` as ``availability`` does, for more than 31 days, and for longer than 30 seconds.
        """
        return await self._confirming.confirm(merchant, product, start, end, within)

    async def subscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Has a workflow in slotsync's namespace hear of changes by the signal ``availability_changed``.

        It carries an ``AvailabilityChangedSignal``. A workflow that has ended is forgotten.
        """
        await self._confirming.subscribe(merchant, product, workflow_id)

    async def unsubscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Has it hear no more."""
        await self._confirming.unsubscribe(merchant, product, workflow_id)

    async def settings_of(self, merchant: str, owner: Owner) -> OwnerSettings | None:
        """What the merchant chose for a product or resource; nothing when it is unknown."""
        return await asyncio.to_thread(self._owners.get, merchant, owner)

    async def overview(self, merchant: str | None = None) -> Overview:
        """All events, counted by merchant and state."""
        return await asyncio.to_thread(self._overview, merchant)

    async def settled_versions(self, merchant: str) -> dict[str, int]:
        """The newest version of each reservation that Google has shown in full."""
        return await asyncio.to_thread(self._reservations.settled_versions, merchant)

    async def _signal(self, reservation: Reservation) -> None:
        try:
            await self._signal_with_start(reservation)
        except RPCError as error:
            raise NotTaken(
                f"Temporal did not take the report of {reservation.id} in time ({error.status.name}); repeat it"
            ) from error

    async def _signal_with_start(self, reservation: Reservation) -> None:
        await self._client.start_workflow(
            ReservationWorkflow.run,
            ReservationState(),
            id=reservation_id(reservation.merchant, reservation.id),
            task_queue=queues.WORKFLOWS,
            start_signal="report",
            start_signal_args=[reservation],
            search_attributes=initial_attributes(reservation.merchant, reservation.owners, starts_at(reservation)),
            static_summary=f"Reservation {reservation.id} of {reservation.merchant}",
            priority=Priority(fairness_key=reservation.merchant.encode()[:64].decode(errors="ignore")),
            rpc_timeout=TAKEN_WITHIN,
        )

    def _overview(self, merchant: str | None) -> Overview:
        merchants = [merchant] if merchant else self._owners.merchants()
        return Overview(
            lines=tuple(
                OverviewLine(merchant=each, state=state, count=count.count, oldest=count.oldest_since)
                for each in merchants
                for state, count in self._events.summary(each).items()
            )
        )

    def _noted(self, merchant: str, reservation: str) -> SyncStatus | None:
        noted = self._reservations.get(merchant, reservation)
        if noted is None:
            return None
        events = self._events.of_reservation(merchant, reservation)
        return SyncStatus(
            merchant=merchant,
            reservation=reservation,
            version=noted.version,
            settled_version=noted.settled_version,
            events=tuple(
                EventSyncStatus(
                    item=event.key.item,
                    owner=str(event.key.owner),
                    state=event.state,
                    version=event.written_version,
                    since=event.since,
                    link=event.link,
                    last_error=event.last_error,
                )
                for event in events
            ),
        )

    async def _progress(self, merchant: str, reservation: str) -> Progress | None:
        """What the workflow does; nothing when it has ended or no worker answers."""
        handle = self._client.get_workflow_handle(reservation_id(merchant, reservation))
        try:
            return await handle.query(ReservationWorkflow.progress, rpc_timeout=ANSWER_WITHIN)
        except (RPCError, WorkflowQueryFailedError):
            return None
