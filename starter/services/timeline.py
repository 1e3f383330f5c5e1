"""Read the timeline of a reservation: the events of its life, with their times."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.health import STOPPED_REASON
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.messages import EventRequest, ReportedVersion, WriteResult
from slotsync.domain.workflow_ids import reservation_id
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvent, SyncedEvents
from slotsync.temporal.signals import quote_value


class TimelineEventKind(StrEnum):
    """The kind of a timeline event.

    ``looked_for_restored``: those of the owner's deleted events that people had restored were deleted again.
    ``called_back`` is a write that a newer version cancelled. ``stopped``: the workflow was cancelled, terminated or
    failed, which ``reason`` says. ``reset``: an operator had it begin anew.
    """

    REPORTED = "reported"
    LOOKED_AGAIN = "looked_again"
    BEGUN = "begun"
    WRITTEN = "written"
    REMOVED = "removed"
    LOOKED_FOR_RESTORED = "looked_for_restored"
    CALLED_BACK = "called_back"
    HELD_UP = "held_up"
    CLOSED = "closed"
    STOPPED = "stopped"
    RESET = "reset"


class TimelineSource(StrEnum):
    """The origin of a timeline event: Temporal's history, kept for its retention time, or the store's current state."""

    HISTORY = "history"
    STORE = "store"


class TimelineEvent(Message):
    """An event at one time: of the whole reservation, or of one item's event in one owner's calendar.

    The store gives the current state of each event and its start; only Temporal knows what came before.
    """

    at: datetime
    what: TimelineEventKind | SyncState
    source: TimelineSource
    version: int | None = None
    item: str | None = None
    owner: str | None = None
    attempts: int | None = None
    reason: str | None = None


Reader = Callable[[HistoryEvent], Awaitable[TimelineEvent | None]]

_WRITES: Mapping[str, TimelineEventKind] = {
    "put_event": TimelineEventKind.WRITTEN,
    "delete_event": TimelineEventKind.REMOVED,
    "delete_restored": TimelineEventKind.LOOKED_FOR_RESTORED,
}
"""The kind of the timeline event for each activity that changes events in Google."""


class HistoryReader:
    """Reads the history of one workflow run, in order."""

    def __init__(self, converter: DataConverter) -> None:
        self._converter = converter
        self._writes: dict[int, tuple[TimelineEventKind, EventRequest]] = {}
        self._attempts: dict[int, int] = {}
        self._readers: dict[str, Reader] = {
            "workflow_execution_signaled_event_attributes": self._read_signal,
            "workflow_execution_completed_event_attributes": self._read_end,
            "workflow_execution_canceled_event_attributes": self._read_stop,
            "workflow_execution_terminated_event_attributes": self._read_stop,
            "workflow_execution_failed_event_attributes": self._read_stop,
            "workflow_task_failed_event_attributes": self._read_failed_task,
            "activity_task_scheduled_event_attributes": self._read_scheduled,
            "activity_task_started_event_attributes": self._read_started,
            "activity_task_completed_event_attributes": self._read_completed,
            "activity_task_failed_event_attributes": self._read_failed,
            "activity_task_canceled_event_attributes": self._read_cancelled,
        }

    async def read(self, events: Iterable[HistoryEvent]) -> list[TimelineEvent]:
        """Return the timeline events, oldest first. Other history events are left out."""
        timeline = []
        for event in events:
            reader = self._readers.get(event.WhichOneof("attributes") or "")
            if reader and (timeline_event := await reader(event)):
                timeline.append(timeline_event)
        return timeline

    async def _read_signal(self, event: HistoryEvent) -> TimelineEvent | None:
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name != "report":
            return _timeline_event(event, TimelineEventKind.LOOKED_AGAIN)
        (reported,) = await self._converter.decode(signal.input.payloads, [ReportedVersion])
        return _timeline_event(event, TimelineEventKind.REPORTED, version=reported.version)

    async def _read_end(self, event: HistoryEvent) -> TimelineEvent | None:
        completed = event.workflow_execution_completed_event_attributes
        result = await self._converter.decode(completed.result.payloads, [str]) if completed.result.payloads else [""]
        if result[0].endswith(STOPPED_REASON):
            return None  # it looked once, and found that an operator has stopped the reservation
        return _timeline_event(event, TimelineEventKind.CLOSED)

    async def _read_stop(self, event: HistoryEvent) -> TimelineEvent | None:
        how = event.WhichOneof("attributes") or ""
        reason = how.removeprefix("workflow_execution_").removesuffix("_event_attributes")
        return _timeline_event(event, TimelineEventKind.STOPPED, reason=reason)

    async def _read_failed_task(self, event: HistoryEvent) -> TimelineEvent | None:
        cause = event.workflow_task_failed_event_attributes.cause
        if cause != WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW:
            return None
        return _timeline_event(event, TimelineEventKind.RESET)

    async def _read_scheduled(self, event: HistoryEvent) -> TimelineEvent | None:
        scheduled = event.activity_task_scheduled_event_attributes
        kind = _WRITES.get(scheduled.activity_type.name)
        if kind is None:
            return None
        (request,) = await self._converter.decode(scheduled.input.payloads, [EventRequest])
        self._writes[event.event_id] = kind, request
        return self._write_event(event, event.event_id, TimelineEventKind.BEGUN)

    async def _read_started(self, event: HistoryEvent) -> TimelineEvent | None:
        started = event.activity_task_started_event_attributes
        self._attempts[started.scheduled_event_id] = started.attempt
        return None

    async def _read_completed(self, event: HistoryEvent) -> TimelineEvent | None:
        completed = event.activity_task_completed_event_attributes
        if completed.scheduled_event_id not in self._writes:
            return None
        kind, _ = self._writes[completed.scheduled_event_id]
        (result,) = await self._converter.decode(completed.result.payloads, [WriteResult])
        what = kind if result.changed else TimelineEventKind.CALLED_BACK
        return self._write_event(event, completed.scheduled_event_id, what)

    async def _read_failed(self, event: HistoryEvent) -> TimelineEvent | None:
        failed = event.activity_task_failed_event_attributes
        return self._write_event(
            event, failed.scheduled_event_id, TimelineEventKind.HELD_UP, await self._failure_reason(failed.failure)
        )

    async def _read_cancelled(self, event: HistoryEvent) -> TimelineEvent | None:
        cancelled = event.activity_task_canceled_event_attributes
        return self._write_event(event, cancelled.scheduled_event_id, TimelineEventKind.CALLED_BACK)

    def _write_event(
        self, event: HistoryEvent, scheduled_id: int, what: TimelineEventKind, reason: str | None = None
    ) -> TimelineEvent | None:
        if scheduled_id not in self._writes:
            return None
        _, request = self._writes[scheduled_id]
        return _timeline_event(
            event,
            what,
            version=request.version,
            item=request.key.item,
            owner=str(request.key.owner),
            attempts=self._attempts.get(scheduled_id),
            reason=reason,
        )

    async def _failure_reason(self, failure: Failure) -> str:
        error = await self._converter.decode_failure(failure)
        if isinstance(error, ApplicationError):
            return str(error.details[0]) if error.details else error.type or "unknown"
        return type(error).__name__


def _timeline_event(  # noqa: PLR0913  the fields of a timeline event, by keyword
    event: HistoryEvent,
    what: TimelineEventKind,
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
        source=TimelineSource.HISTORY,
        version=version,
        item=item,
        owner=owner,
        attempts=attempts,
        reason=reason,
    )


MAX_RUNS = 20
"""The number of newest runs that are read. Each late change after a reservation's end starts a new run."""


class Timeline(Message):
    """All known events of a reservation, oldest first."""

    merchant: str
    reservation: str
    happenings: tuple[TimelineEvent, ...]  # public name


class TimelineService:
    """Reads the timelines of reservations from Temporal's histories and the store."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._reservations = Reservations(store, vault)
        self._events = SyncedEvents(store)

    async def get(self, merchant: str, reservation: str) -> Timeline | None:
        """Return the timeline of a reservation, or None if it is unknown."""
        workflow_id = reservation_id(merchant, reservation)
        past = [each for run in await self._list_runs(workflow_id) for each in await self._read_run(workflow_id, run)]
        current = await asyncio.to_thread(self._read_store, merchant, reservation)
        if current is None and not past:
            return None
        # A run that was reset repeats the events of the one before.
        present = [each for each in current or () if not _is_told_already(each, past)]
        ordered = sorted(dict.fromkeys((*past, *present)), key=lambda event: event.at)
        return Timeline(merchant=merchant, reservation=reservation, happenings=tuple(ordered))

    async def _list_runs(self, workflow_id: str) -> list[str]:
        """Return the ids of the newest runs. Temporal's list is eventually consistent: the newest run is read apart."""
        listed = self._client.list_workflows(f"WorkflowId = {quote_value(workflow_id)}", limit=MAX_RUNS)
        runs = [each.run_id async for each in listed]
        try:
            runs.append((await self._client.get_workflow_handle(workflow_id).describe()).run_id)
        except RPCError as error:
            _raise_unless_deleted(error)
        return list(dict.fromkeys(runs))

    async def _read_run(self, workflow_id: str, run_id: str) -> list[TimelineEvent]:
        """Return the events of a run; none if Temporal has deleted it by now."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            history = await handle.fetch_history()
        except RPCError as error:
            _raise_unless_deleted(error)
            return []
        return await HistoryReader(self._client.data_converter).read(history.events)

    def _read_store(self, merchant: str, reservation: str) -> list[TimelineEvent] | None:
        known = self._reservations.get(merchant, reservation)
        if known is None:
            return None
        return list(_current_states(self._events.get_events(merchant, reservation), known.stopped_at))


def _raise_unless_deleted(error: RPCError) -> None:
    if error.status is not RPCStatusCode.NOT_FOUND:
        raise error


def _is_told_already(event: TimelineEvent, past: Sequence[TimelineEvent]) -> bool:
    """Return whether it is a stop that the histories tell, too, as soon as the workflow has ended."""
    if event.what is not TimelineEventKind.STOPPED:
        return False
    return any(each.what is TimelineEventKind.STOPPED and each.at >= event.at for each in past)


def _stopped(at: datetime) -> TimelineEvent:
    return TimelineEvent(
        at=at, what=TimelineEventKind.STOPPED, source=TimelineSource.STORE, reason="stopped_by_operator"
    )


def _current_states(events: list[SyncedEvent], stopped_at: datetime | None) -> Iterator[TimelineEvent]:
    if stopped_at:
        yield _stopped(stopped_at)
    for event in events:
        yield TimelineEvent(
            at=event.since,
            what=event.state,
            source=TimelineSource.STORE,
            version=event.written_version,
            item=event.key.item,
            owner=str(event.key.owner),
            reason=event.last_error,
        )
