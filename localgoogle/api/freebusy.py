"""The method `freebusy.query`, and the busy times of a calendar."""

from datetime import UTC, datetime, timedelta

from localgoogle.api.call import ApiCall
from localgoogle.events.calendar_events import CalendarEvents
from localgoogle.protocol.errors import CalendarApiError, invalid, known_error, required
from localgoogle.protocol.instants import format_in_zone, format_with_milliseconds, parse_instant
from localgoogle.protocol.json_values import JsonObject, as_list, as_object, as_text
from localgoogle.state.records import StoredCalendar, StoredEvent

_NEVER_BUSY_TYPES = frozenset({"workingLocation", "birthday"})

Slot = tuple[datetime, datetime]


def list_busy_times(
    calendar_events: CalendarEvents, calendar: StoredCalendar, start: datetime, end: datetime
) -> list[Slot]:
    """Return the busy times within [start, end), in UTC; overlapping and touching ones are merged."""
    occurring = calendar_events.list_occurring(start, end, calendar.time_zone)
    events = (event for event in occurring if is_busy(event, calendar))
    return merge_slots([(max(event.start, start), min(event.end, end)) for event in events])


def is_busy(event: StoredEvent, calendar: StoredCalendar) -> bool:
    """Return whether the event makes its calendar busy."""
    return not (
        event.cancelled
        or event.start == event.end
        or event.body.get("transparency") == "transparent"
        or event.body.get("eventType") in _NEVER_BUSY_TYPES
        or _declined(event, calendar)
    )


def merge_slots(slots: list[Slot]) -> list[Slot]:
    """Return the times in as few slots as possible; ``slots`` must be in the order of their starts."""
    merged: list[Slot] = []
    for start, end in slots:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _declined(event: StoredEvent, calendar: StoredCalendar) -> bool:
    """Return whether the calendar's own entry among the attendees says no; that of its reader does not count."""
    guests = map(as_object, as_list(event.body.get("attendees")))
    declined = [as_text(guest.get("email")) for guest in guests if guest.get("responseStatus") == "declined"]
    return any(map(calendar.is_self, declined))


_MAX_CALENDARS, _MAX_GROUPS = 50, 100


def query(call: ApiCall) -> JsonObject:
    """Return the merged busy times of each calendar; errors of single calendars are part of the answer."""
    start, end = _read_range(call)
    zone_name = call.read_zone(as_text(call.body.get("timeZone")) or "UTC").key
    ids = [as_text(as_object(item).get("id")) for item in as_list(call.body.get("items"))]
    max_calendars = _read_limit(call, "calendarExpansionMax", _MAX_CALENDARS)
    _read_limit(call, "groupExpansionMax", _MAX_GROUPS)
    calendars: JsonObject = {}
    for place, calendar_id in enumerate(dict.fromkeys(filter(None, ids))):
        calendars[calendar_id] = (
            _calendar_answer(call, calendar_id, start, end, zone_name)
            if place < max_calendars
            else _calendar_error("tooManyCalendarsRequested")
        )
    return {
        "kind": "calendar#freeBusy",
        "timeMin": format_with_milliseconds(start),
        "timeMax": format_with_milliseconds(end),
        "calendars": calendars,
    }


def _calendar_answer(call: ApiCall, calendar_id: str, start: datetime, end: datetime, zone_name: str) -> JsonObject:
    email = call.caller.email
    key = call.google.resolve_calendar_id(email, calendar_id)
    if fault := call.google.faults.take_special("freebusy_error", call.method.id, email, key):
        return _calendar_error(fault.reason or "internalError", *fault.further)
    try:
        calendar = call.google.find_calendar(email, calendar_id)
    except CalendarApiError as error:
        return _calendar_error(error.reason)
    if calendar.generated:
        return _calendar_error("notFound")
    slots = list_busy_times(call.google.calendar_events(calendar.id), calendar, start, end)
    return {"busy": [{"start": format_in_zone(a, zone_name), "end": format_in_zone(b, zone_name)} for a, b in slots]}


def _calendar_error(*reasons: str) -> JsonObject:
    return {"errors": [{"domain": "global", "reason": reason} for reason in reasons], "busy": []}


def _read_range(call: ApiCall) -> tuple[datetime, datetime]:
    start, end = _read_instant(call, "timeMin"), _read_instant(call, "timeMax")
    if end <= start:
        raise known_error("timeRangeEmpty")
    if end - start > timedelta(days=call.google.behaviour.freebusy_max_days):
        raise known_error("timeRangeTooLong")
    return start, end


def _read_instant(call: ApiCall, name: str) -> datetime:
    text = as_text(call.body.get(name))
    if not text:
        raise required(f"Missing {name} parameter.")
    try:
        return parse_instant(text).astimezone(UTC)
    except ValueError as error:
        raise CalendarApiError(400, "badRequest", "Bad Request") from error


def _read_limit(call: ApiCall, name: str, maximum: int) -> int:
    value = call.body.get(name)
    if value is None:
        return maximum
    if not isinstance(value, int) or not 0 < value <= maximum:
        raise invalid(f"Invalid value for: {name}")
    return value
