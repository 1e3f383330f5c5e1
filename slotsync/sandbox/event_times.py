"""Starts and ends of events: read as clients write them, shown in the calendar's zone."""

from datetime import UTC, datetime

from slotsync.sandbox import instants
from slotsync.sandbox.api_error import invalid, known_error, required
from slotsync.sandbox.json_types import JsonObject, as_object, as_text


def normalised(body: JsonObject, name: str) -> JsonObject:
    """The ``start`` or ``end`` of a body: a date, or an instant in UTC with the zone that the client named."""
    value = as_object(body.get(name))
    day, moment, zone_name = (as_text(value.get(key)) for key in ("date", "dateTime", "timeZone"))
    if day and moment:
        raise invalid(f"Invalid {name} time.")
    if zone_name:
        _check_zone(zone_name, name)
    if day:
        return {"date": _date(day, name)}
    if not moment:
        raise required(f"Missing {name} time.")
    instant: JsonObject = {"dateTime": instants.in_utc(_instant(moment, zone_name, name))}
    return instant | ({"timeZone": zone_name} if zone_name else {})


def covered(body: JsonObject, calendar_zone: str) -> tuple[datetime, datetime]:
    """The instants that a body with normalised times covers: [start, end)."""
    start, end = as_object(body["start"]), as_object(body["end"])
    if ("date" in start) != ("date" in end):
        raise invalid("The start and end times must either both be date or both be dateTime.")
    first, last = _edge(start, calendar_zone), _edge(end, calendar_zone)
    if last < first or ("date" in start and last == first):
        raise known_error("timeRangeEmpty")
    return first, last


def shown(value: JsonObject, calendar_zone: str, zone_name: str) -> JsonObject:
    """A normalised time as Google answers it, in the zone that was asked for."""
    if "date" in value:
        return dict(value)
    instant = datetime.fromisoformat(as_text(value["dateTime"]))
    return {"dateTime": instants.in_zone(instant, zone_name), "timeZone": value.get("timeZone", calendar_zone)}


def _edge(value: JsonObject, calendar_zone: str) -> datetime:
    if "date" in value:
        return instants.midnight(instants.parse_date(as_text(value["date"])), calendar_zone)
    return datetime.fromisoformat(as_text(value["dateTime"]))


def _instant(text: str, zone_name: str, name: str) -> datetime:
    try:
        parsed = instants.parse_date_time(text).replace(microsecond=0)
    except ValueError as error:
        raise invalid(f"Invalid {name} time.") from error
    if parsed.tzinfo is None:
        if not zone_name:
            raise required(f"Missing time zone definition for {name} time.")
        parsed = parsed.replace(tzinfo=instants.zone(zone_name))
    return parsed.astimezone(UTC)


def _date(text: str, name: str) -> str:
    try:
        return instants.parse_date(text).isoformat()
    except ValueError as error:
        raise invalid(f"Invalid {name} time.") from error


def _check_zone(zone_name: str, name: str) -> None:
    try:
        instants.zone(zone_name)
    except ValueError as error:
        raise invalid(f"Invalid time zone definition for {name} time.") from error
