"""freebusy.query."""

from datetime import UTC, datetime, timedelta

from slotsync.sandbox import instants
from slotsync.sandbox.api_error import ApiError, invalid, known_error, required
from slotsync.sandbox.busy_times import busy_times
from slotsync.sandbox.call import Call
from slotsync.sandbox.instants import zone
from slotsync.sandbox.json_types import JsonObject, as_list, as_object, as_text

_MOST_CALENDARS, _MOST_GROUPS = 50, 100


def query(call: Call) -> JsonObject:
    """The merged busy times of each calendar. What is wrong with a single calendar stands inside the answer."""
    start, end = _range(call)
    zone_name = _zone(call)
    names = [as_text(as_object(item).get("id")) for item in as_list(call.body.get("items"))]
    most = _limit(call, "calendarExpansionMax", _MOST_CALENDARS)
    _limit(call, "groupExpansionMax", _MOST_GROUPS)
    calendars: JsonObject = {}
    for place, name in enumerate(dict.fromkeys(filter(None, names))):
        calendars[name] = (
            _answer(call, name, start, end, zone_name) if place < most else _failed("tooManyCalendarsRequested")
        )
    return {
        "kind": "calendar#freeBusy",
        "timeMin": instants.with_milliseconds(start),
        "timeMax": instants.with_milliseconds(end),
        "calendars": calendars,
    }


def _answer(call: Call, name: str, start: datetime, end: datetime, zone_name: str) -> JsonObject:
    email = call.caller.email
    key = call.google.calendar_key(email, name)
    if fault := call.google.faults.special("freebusy_error", call.method.id, email, key):
        return _failed(fault.reason or "internalError")
    try:
        calendar = call.google.calendar(email, name)
    except ApiError as error:
        return _failed(error.reason)
    if calendar.generated:
        return _failed("notFound")
    slots = busy_times(call.google.book(calendar.id), calendar, start, end)
    return {
        "busy": [{"start": instants.in_zone(a, zone_name), "end": instants.in_zone(b, zone_name)} for a, b in slots]
    }


def _failed(reason: str) -> JsonObject:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _range(call: Call) -> tuple[datetime, datetime]:
    start, end = _instant(call, "timeMin"), _instant(call, "timeMax")
    if end <= start:
        raise known_error("timeRangeEmpty")
    if end - start > timedelta(days=call.google.behaviour.freebusy_max_days):
        raise known_error("timeRangeTooLong")
    return start, end


def _instant(call: Call, name: str) -> datetime:
    text = as_text(call.body.get(name))
    if not text:
        raise required(f"Missing {name} parameter.")
    try:
        return instants.parse_instant(text).astimezone(UTC)
    except ValueError as error:
        raise ApiError(400, "badRequest", "Bad Request") from error


def _zone(call: Call) -> str:
    try:
        return zone(as_text(call.body.get("timeZone")) or "UTC").key
    except ValueError as error:
        raise invalid("Invalid time zone.") from error


def _limit(call: Call, name: str, most: int) -> int:
    value = call.body.get(name)
    if value is None:
        return most
    if not isinstance(value, int) or not 0 < value <= most:
        raise invalid(f"Invalid value for: {name}")
    return value
