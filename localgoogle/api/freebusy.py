"""The method `freebusy.query`, and when a calendar is busy."""

from datetime import UTC, datetime, timedelta

from localgoogle.api.call import ApiCall
from localgoogle.events.calendar_events import CalendarEvents
from localgoogle.protocol.errors import CalendarApiError, invalid, known_error, required
from localgoogle.protocol.instants import find_zone, format_in_zone, format_with_milliseconds, parse_instant
from localgoogle.protocol.json_values import JsonObject, as_list, as_object, as_text
from localgoogle.state.records import StoredCalendar, StoredEvent

_NEVER_BUSY = frozenset({"workingLocation", "birthday"})

Slot = tuple[datetime, datetime]


def busy_times(calendar_events: CalendarEvents, calendar: StoredCalendar, start: datetime, end: datetime) -> list[Slot]:
    """The busy times within [start, end), overlapping and touching ones merged."""
    occurring = calendar_events.occurring(start, end, calendar.time_zone)
    events = (event for event in occurring if is_busy(event, calendar.owner))
    return merge_slots([(max(event.start, start), min(event.end, end)) for event in events])


def is_busy(event: StoredEvent, owner: str) -> bool:
    """Whether the event takes the owner's time."""
    return not (
        event.cancelled
        or event.start == event.end
        or event.body.get("transparency") == "transparent"
        or event.body.get("eventType") in _NEVER_BUSY
        or _declined(event, owner)
    )


def merge_slots(slots: list[Slot]) -> list[Slot]:
    """The same times in as few slots as possible; ``slots`` are in the order of their starts."""
    merged: list[Slot] = []
    for start, end in slots:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _declined(event: StoredEvent, owner: str) -> bool:
    guests = map(as_object, as_list(event.body.get("attendees")))
    return any(guest.get("email") == owner and guest.get("responseStatus") == "declined" for guest in guests)


_MAX_CALENDARS, _MAX_GROUPS = 50, 100


def query(call: ApiCall) -> JsonObject:
    """The merged busy times of each calendar. What is wrong with a single calendar stands inside the answer."""
    start, end = _range(call)
    zone_name = _zone(call)
    names = [as_text(as_object(item).get("id")) for item in as_list(call.body.get("items"))]
    most = _limit(call, "calendarExpansionMax", _MAX_CALENDARS)
    _limit(call, "groupExpansionMax", _MAX_GROUPS)
    calendars: JsonObject = {}
    for place, name in enumerate(dict.fromkeys(filter(None, names))):
        calendars[name] = (
            _calendar_answer(call, name, start, end, zone_name)
            if place < most
            else _calendar_error("tooManyCalendarsRequested")
        )
    return {
        "kind": "calendar#freeBusy",
        "timeMin": format_with_milliseconds(start),
        "timeMax": format_with_milliseconds(end),
        "calendars": calendars,
    }


def _calendar_answer(call: ApiCall, name: str, start: datetime, end: datetime, zone_name: str) -> JsonObject:
    email = call.caller.email
    key = call.google.calendar_key(email, name)
    if fault := call.google.faults.take_special("freebusy_error", call.method.id, email, key):
        return _calendar_error(fault.reason or "internalError")
    try:
        calendar = call.google.calendar(email, name)
    except CalendarApiError as error:
        return _calendar_error(error.reason)
    if calendar.generated:
        return _calendar_error("notFound")
    slots = busy_times(call.google.calendar_events(calendar.id), calendar, start, end)
    return {"busy": [{"start": format_in_zone(a, zone_name), "end": format_in_zone(b, zone_name)} for a, b in slots]}


def _calendar_error(reason: str) -> JsonObject:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _range(call: ApiCall) -> tuple[datetime, datetime]:
    start, end = _instant(call, "timeMin"), _instant(call, "timeMax")
    if end <= start:
        raise known_error("timeRangeEmpty")
    if end - start > timedelta(days=call.google.behaviour.freebusy_max_days):
        raise known_error("timeRangeTooLong")
    return start, end


def _instant(call: ApiCall, name: str) -> datetime:
    text = as_text(call.body.get(name))
    if not text:
        raise required(f"Missing {name} parameter.")
    try:
        return parse_instant(text).astimezone(UTC)
    except ValueError as error:
        raise CalendarApiError(400, "badRequest", "Bad Request") from error


def _zone(call: ApiCall) -> str:
    try:
        return find_zone(as_text(call.body.get("timeZone")) or "UTC").key
    except ValueError as error:
        raise invalid("Invalid time zone.") from error


def _limit(call: ApiCall, name: str, most: int) -> int:
    value = call.body.get(name)
    if value is None:
        return most
    if not isinstance(value, int) or not 0 < value <= most:
        raise invalid(f"Invalid value for: {name}")
    return value
