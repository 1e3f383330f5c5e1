"""What happened to a reservation, and when."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.messages import Action, Delete, Put
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.workflow_ids import reservation_id
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvent, SyncedEvents
from slotsync.temporal.signals import quoted


class What(StrEnum):
    """What can happen to a reservation."""

    REPORTED = "reported"
    LOOKED_AGAIN = "looked_again"
    BEGUN = "begun"
    WRITTEN = "written"
    REMOVED = "removed"
    CALLED_BACK = "called_back"
    HELD_UP = "held_up"
    CLOSED = "closed"


class Source(StrEnum):
    """How we know: from Temporal's history (kept for its retention time), or from the store's latest note."""

    HISTORY = "history"
    STORE = "store"


class TimelineEvent(Message):
    """Something that happened at a time: to the whole reservation, or to one item's event in one owner's calendar.

    From the store comes how each event stands and since when; what came before that only Temporal knows.
    """

    at: datetime
    what: What | SyncState
    source: Source
    version: int | None = None
    item: str | None = None
    owner: str | None = None
    attempts: int | None = None
    reason: str | None = None


Reader = Callable[[HistoryEvent], Awaitable[TimelineEvent | None]]

_ACTIONS: Mapping[str, type[Action]] = {"put_event": Put, "delete_event": Delete}


class HistoryReader:
    """Reads the events of one run, in order."""

    def __init__(self, converter: DataConverter) -> None:
        self._converter = converter
        self._writes: dict[int, Action] = {}
        self._attempts: dict[int, int] = {}
        self._readers: dict[str, Reader] = {
            "workflow_execution_signaled_event_attributes": self._signalled,
            "workflow_execution_completed_event_attributes": self._closed,
            "activity_task_scheduled_event_attributes": self._scheduled,
            "activity_task_started_event_attributes": self._started,
            "activity_task_completed_event_attributes": self._completed,
            "activity_task_failed_event_attributes": self._failed,
            "activity_task_canceled_event_attributes": self._cancelled,
        }

    async def read(self, events: Iterable[HistoryEvent]) -> list[TimelineEvent]:
        """What happened; of the rest of the events nothing is told."""
        found = []
        for event in events:
            reader = self._readers.get(event.WhichOneof("attributes") or "")
            if reader and (happening := await reader(event)):
                found.append(happening)
        return found

    async def _signalled(self, event: HistoryEvent) -> TimelineEvent | None:
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name != "report":
            return _happening(event, What.LOOKED_AGAIN)
        (reservation,) = await self._converter.decode(signal.input.payloads, [Reservation])
        return _happening(event, What.REPORTED, version=reservation.version)

    async def _closed(self, event: HistoryEvent) -> TimelineEvent | None:
        return _happening(event, What.CLOSED)

    async def _scheduled(self, event: HistoryEvent) -> TimelineEvent | None:
        scheduled = event.activity_task_scheduled_event_attributes
        kind = _ACTIONS.get(scheduled.activity_type.name)
        if kind is None:
            return None
        (action,) = await self._converter.decode(scheduled.input.payloads, [kind])
        self._writes[event.event_id] = action
        return self._of_write(event, event.event_id, What.BEGUN)

    async def _started(self, event: HistoryEvent) -> TimelineEvent | None:
        started = event.activity_task_started_event_attributes
        self._attempts[started.scheduled_event_id] = started.attempt
        return None

    async def _completed(self, event: HistoryEvent) -> TimelineEvent | None:
        scheduled_id = event.activity_task_completed_event_attributes.scheduled_event_id
        removed = isinstance(self._writes.get(scheduled_id), Delete)
        return self._of_write(event, scheduled_id, What.REMOVED if removed else What.WRITTEN)

    async def _failed(self, event: HistoryEvent) -> TimelineEvent | None:
        failed = event.activity_task_failed_event_attributes
        return self._of_write(event, failed.scheduled_event_id, What.HELD_UP, await self._reason(failed.failure))

    async def _cancelled(self, event: HistoryEvent) -> TimelineEvent | None:
        cancelled = event.activity_task_canceled_event_attributes
        return self._of_write(event, cancelled.scheduled_event_id, What.CALLED_BACK)

    def _of_write(
        self, event: HistoryEvent, scheduled_id: int, what: What, reason: str | None = None
    ) -> TimelineEvent | None:
        action = self._writes.get(scheduled_id)
        if action is None:
            return None
        return _happening(
            event,
            what,
            version=action.event.version if isinstance(action, Put) else action.version,
            item=action.key.item,
            owner=str(action.key.owner),
            attempts=self._attempts.get(scheduled_id),
            reason=reason,
        )

    async def _reason(self, failure: Failure) -> str:
        error = await self._converter.decode_failure(failure)
        if isinstance(error, ApplicationError):
            return str(error.details[0]) if error.details else error.type or "unknown"
        return type(error).__name__


def _happening(  # noqa: PLR0913  what may be told of an event, each by its name
    event: HistoryEvent,
    what: What,
    *,
    version: int | None = None,
    item: str | None = None,
    owner: str | None = None,
    attempts: int | None = None,
    reason: str | None = None,
) -> TimelineEvent:
    return TimelineEvent(
        at=event.event_time.ToDatetime(tzinfo=UTC),
        what=what,
        source=Source.HISTORY,
        version=version,
        item=item,
        owner=owner,
        attempts=attempts,
        reason=reason,
    )


RUNS = 20
"""How many runs are looked at: each late change after a reservation's end begins a new one."""


class Timeline(Message):
    """Everything that is known to have happened to a reservation, the oldest first."""

    merchant: str
    reservation: str
    happenings: tuple[TimelineEvent, ...]


class Timelines:
    """Tells what happened to reservations."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._reservations = Reservations(store)
        self._events = SyncedEvents(store)

    async def of(self, merchant: str, reservation: str) -> Timeline | None:
        """The timeline of a reservation; nothing when it is unknown."""
        workflow_id = reservation_id(merchant, reservation)
        told = [each for run in await self._runs(workflow_id) for each in await self._history(workflow_id, run)]
        noted = await asyncio.to_thread(self._noted, merchant, reservation)
        if noted is None and not told:
            return None
        ordered = sorted((*told, *(noted or ())), key=lambda happening: happening.at)
        return Timeline(merchant=merchant, reservation=reservation, happenings=tuple(ordered))

    async def _runs(self, workflow_id: str) -> list[str]:
        """The newest runs. Temporal's list may lag behind by a moment, so the very newest is asked for by itself."""
        listed = self._client.list_workflows(f"WorkflowId = {quoted(workflow_id)}", limit=RUNS)
        runs = [each.run_id async for each in listed]
        try:
            runs.append((await self._client.get_workflow_handle(workflow_id).describe()).run_id)
        except RPCError as error:
            _unless_forgotten(error)
        return list(dict.fromkeys(runs))

    async def _history(self, workflow_id: str, run_id: str) -> list[TimelineEvent]:
        """What a run tells; nothing when Temporal has forgotten it by now."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            history = await handle.fetch_history()
        except RPCError as error:
            _unless_forgotten(error)
            return []
        return await HistoryReader(self._client.data_converter).read(history.events)

    def _noted(self, merchant: str, reservation: str) -> list[TimelineEvent] | None:
        if self._reservations.get(merchant, reservation) is None:
            return None
        return list(_standing(self._events.of_reservation(merchant, reservation)))


def _unless_forgotten(error: RPCError) -> None:
    if error.status is not RPCStatusCode.NOT_FOUND:
        raise error


def _standing(events: list[SyncedEvent]) -> Iterator[TimelineEvent]:
    for event in events:
        yield TimelineEvent(
            at=event.since,
            what=event.state,
            source=Source.STORE,
            version=event.written_version,
            item=event.key.item,
            owner=str(event.key.owner),
            reason=event.last_error,
        )
