"""Read the sync status of reservations and merchants."""

import asyncio
from datetime import datetime, timedelta

from pydantic import computed_field
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.messages import Progress
from slotsync.domain.workflow_ids import reservation_id
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvent, SyncedEvents
from workflows.reservation import ReservationWorkflow

QUERY_TIMEOUT = timedelta(seconds=5)


class EventSyncStatus(Message):
    """The sync status of one event of a reservation."""

    item: str
    owner: str
    state: SyncState
    version: int | None
    since: datetime
    link: str = ""
    last_error: str | None = None


class SyncStatus(Message):
    """The sync status of a reservation: the newest known version, the version in Google, the workflow's activity.

    ``doing`` is empty if the workflow has ended; ``settled`` is true if Google shows all of the newest version.
    """

    merchant: str
    reservation: str
    version: int
    settled_version: int | None
    doing: str = ""
    events: tuple[EventSyncStatus, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented way, which mypy does not know
    @property
    def settled(self) -> bool:
        """True if Google shows all of the newest version."""
        return self.settled_version is not None and self.settled_version >= self.version


class OverviewLine(Message):
    """The number of a merchant's events in one state, and the time since which the oldest of them is in it."""

    merchant: str
    state: SyncState
    count: int
    oldest: datetime


class Overview(Message):
    """The number of events by merchant and state."""

    lines: tuple[OverviewLine, ...]


class StatusService:
    """Reads the sync status from the store and from running workflows."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._merchants = Merchants(store)
        self._reservations = Reservations(store)
        self._events = SyncedEvents(store)

    async def get(self, merchant: str, reservation: str) -> SyncStatus | None:
        """Return the sync status of a reservation, or None if it is unknown."""
        stored = await asyncio.to_thread(self._read_store, merchant, reservation)
        progress = await self._query_workflow(merchant, reservation)
        if progress is None or progress.version is None:
            return stored
        if stored is None:
            return SyncStatus(
                merchant=merchant,
                reservation=reservation,
                version=progress.version,
                settled_version=None,
                doing=progress.doing,
            )
        return stored.model_copy(update={"version": max(progress.version, stored.version), "doing": progress.doing})

    async def get_overview(self, merchant: str | None) -> Overview:
        """Return the event counts of one merchant, or of all merchants if ``merchant`` is None."""
        return await asyncio.to_thread(self._read_overview, merchant)

    async def get_settled_versions(self, merchant: str) -> dict[str, int]:
        """Return the newest version of each reservation that Google has shown in full, by reservation id."""
        return await asyncio.to_thread(self._reservations.get_settled_versions, merchant)

    def _read_overview(self, merchant: str | None) -> Overview:
        merchants = [merchant] if merchant else self._merchants.get_ids()
        return Overview(
            lines=tuple(
                OverviewLine(merchant=each, state=state, count=count.count, oldest=count.oldest_since)
                for each in merchants
                for state, count in self._events.count_states(each).items()
            )
        )

    def _read_store(self, merchant: str, reservation: str) -> SyncStatus | None:
        known = self._reservations.get(merchant, reservation)
        if known is None:
            return None
        events = self._events.get_events(merchant, reservation)
        return SyncStatus(
            merchant=merchant,
            reservation=reservation,
            version=known.version,
            settled_version=known.settled_version,
            events=tuple(map(_event_status, events)),
        )

    async def _query_workflow(self, merchant: str, reservation: str) -> Progress | None:
        """Return the workflow's progress, or None if it has ended or no worker answers."""
        handle = self._client.get_workflow_handle(reservation_id(merchant, reservation))
        try:
            return await handle.query(ReservationWorkflow.progress, rpc_timeout=QUERY_TIMEOUT)
        except (RPCError, WorkflowQueryFailedError):
            return None


def _event_status(event: SyncedEvent) -> EventSyncStatus:
    return EventSyncStatus(
        item=event.key.item,
        owner=str(event.key.owner),
        state=event.state,
        version=event.written_version,
        since=event.since,
        link=event.link,
        last_error=event.last_error,
    )
