"""What one run of a reservation's workflow tells: Temporal's history, as happenings."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC

from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from slotsync.rules.plan import Action, Delete, Put
from slotsync.rules.reservation import Reservation
from starter.happening import Happening, Source, What

Reader = Callable[[HistoryEvent], Awaitable[Happening | None]]

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

    async def read(self, events: Iterable[HistoryEvent]) -> list[Happening]:
        """What happened; of the rest of the events nothing is told."""
        found = []
        for event in events:
            reader = self._readers.get(event.WhichOneof("attributes") or "")
            if reader and (happening := await reader(event)):
                found.append(happening)
        return found

    async def _signalled(self, event: HistoryEvent) -> Happening | None:
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name != "report":
            return _happening(event, What.LOOKED_AGAIN)
        (reservation,) = await self._converter.decode(signal.input.payloads, [Reservation])
        return _happening(event, What.REPORTED, version=reservation.version)

    async def _closed(self, event: HistoryEvent) -> Happening | None:
        return _happening(event, What.CLOSED)

    async def _scheduled(self, event: HistoryEvent) -> Happening | None:
        scheduled = event.activity_task_scheduled_event_attributes
        kind = _ACTIONS.get(scheduled.activity_type.name)
        if kind is None:
            return None
        (action,) = await self._converter.decode(scheduled.input.payloads, [kind])
        self._writes[event.event_id] = action
        return self._of_write(event, event.event_id, What.BEGUN)

    async def _started(self, event: HistoryEvent) -> Happening | None:
        started = event.activity_task_started_event_attributes
        self._attempts[started.scheduled_event_id] = started.attempt
        return None

    async def _completed(self, event: HistoryEvent) -> Happening | None:
        scheduled_id = event.activity_task_completed_event_attributes.scheduled_event_id
        removed = isinstance(self._writes.get(scheduled_id), Delete)
        return self._of_write(event, scheduled_id, What.REMOVED if removed else What.WRITTEN)

    async def _failed(self, event: HistoryEvent) -> Happening | None:
        failed = event.activity_task_failed_event_attributes
        return self._of_write(event, failed.scheduled_event_id, What.HELD_UP, await self._reason(failed.failure))

    async def _cancelled(self, event: HistoryEvent) -> Happening | None:
        cancelled = event.activity_task_canceled_event_attributes
        return self._of_write(event, cancelled.scheduled_event_id, What.CALLED_BACK)

    def _of_write(
        self, event: HistoryEvent, scheduled_id: int, what: What, reason: str | None = None
    ) -> Happening | None:
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
) -> Happening:
    return Happening(
        at=event.event_time.ToDatetime(tzinfo=UTC),
        what=what,
        source=Source.HISTORY,
        version=version,
        item=item,
        owner=owner,
        attempts=attempts,
        reason=reason,
    )
