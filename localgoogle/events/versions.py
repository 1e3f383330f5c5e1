"""Build the first or the next version of an event from the body that a client wrote."""

from dataclasses import dataclass, replace
from datetime import datetime

from localgoogle.events.body import check_body
from localgoogle.events.recurrence import check_rule
from localgoogle.events.times import covered_interval
from localgoogle.protocol.errors import CalendarApiError, invalid
from localgoogle.protocol.json_values import JsonObject, as_object, as_text
from localgoogle.state.records import StoredCalendar, StoredEvent

_RAISES_SEQUENCE = ("start", "end", "location", "recurrence")
_SEQUENCE_TOO_LOW = (
    "Invalid sequence value. The specified sequence number is below the current sequence number of the resource. "
    "Re-fetch the resource and use its sequence number on the following request."
)


@dataclass(frozen=True)
class EventDraft:
    """The whole body of an event as a client wrote it, and its calendar."""

    body: JsonObject
    calendar: StoredCalendar

    def build_event(self, event_id: str, creator: str, stamp: int) -> StoredEvent:
        """Return a new event, created and changed at ``stamp`` (microseconds since 1970).

        Raises:
            CalendarApiError: a field is not valid.
        """
        body = check_body(self.body) | _organizer(self.body)
        start, end = covered_interval(body, self.calendar.time_zone)
        _check_recurrence(body, start, self.calendar)
        return StoredEvent(
            id=event_id,
            calendar_id=self.calendar.id,
            body=body,
            status=as_text(self.body.get("status"), "confirmed"),
            sequence=_sequence(self.body, 0),
            created=stamp,
            updated=stamp,
            creator=creator,
            start=start,
            end=end,
        )


def build_next_version(before: StoredEvent, body: JsonObject, calendar: StoredCalendar, stamp: int) -> StoredEvent:
    """Return the event after a write of the whole body at ``stamp``. Its id, iCalUID and type stay unchanged.

    Raises:
        CalendarApiError: a field is not valid, or ``sequence`` is lower than the event's.
    """
    if _sequence(body, before.sequence) < before.sequence:
        raise CalendarApiError(400, "invalid", _SEQUENCE_TOO_LOW)
    fixed = {name: before.body[name] for name in ("iCalUID", "eventType", "organizer") if name in before.body}
    written = EventDraft(body | fixed, calendar).build_event(before.id, before.creator, stamp)
    if before.series_id:
        written = _as_exception(written, before)
    moved = any(written.body.get(name) != before.body.get(name) for name in _RAISES_SEQUENCE)
    sequence = max(_sequence(body, before.sequence), before.sequence + (moved or written.status != before.status))
    if written.cancelled:
        deleted = before.as_cancelled()
        written = replace(written, living_status=deleted.living_status, moved_away=deleted.moved_away)
    return replace(written, created=before.created, sequence=sequence)


def _as_exception(written: StoredEvent, occurrence: StoredEvent) -> StoredEvent:
    """Return the written event as an occurrence that is changed alone: it keeps its place in the series."""
    place = {name: occurrence.body[name] for name in ("recurringEventId", "originalStartTime")}
    own = {name: value for name, value in written.body.items() if name != "recurrence"}
    return replace(written, body=own | place)


def writable_body(event: StoredEvent) -> JsonObject:
    """Return the event's whole body as a client could write it."""
    return event.body | {"status": event.status}


def _check_recurrence(body: JsonObject, start: datetime, calendar: StoredCalendar) -> None:
    zone_name = as_text(as_object(body["start"]).get("timeZone")) or calendar.time_zone
    try:
        check_rule(body, start, zone_name)
    except ValueError as error:
        raise invalid("Invalid recurrence rule.") from error


def _sequence(body: JsonObject, default: int) -> int:
    value = body.get("sequence")
    return value if isinstance(value, int) else default


def _organizer(body: JsonObject) -> JsonObject:
    organizer = as_object(body.get("organizer"))
    return {"organizer": organizer} if organizer.get("email") else {}
