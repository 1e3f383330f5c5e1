"""Starts and ends of events: read as clients write them, formatted as Google answers them."""

from datetime import UTC, datetime

from localgoogle.protocol.arguments import read_zone
from localgoogle.protocol.errors import invalid, known_error, required
from localgoogle.protocol.instants import (
    find_zone,
    format_in_seconds,
    format_in_zone,
    parse_date,
    parse_date_time,
    start_of_day,
)
from localgoogle.protocol.json_values import JsonObject, as_object, as_text


def normalise_time(body: JsonObject, name: str) -> JsonObject:
    """Return the ``start`` or ``end`` of a body: a date, or an instant in UTC with the zone that the client named.

    Raises:
        CalendarApiError: ``required`` or ``invalid``, if it is missing or cannot be read.
    """
    value = as_object(body.get(name))
    day, moment, zone_name = (as_text(value.get(key)) for key in ("date", "dateTime", "timeZone"))
    if day and moment:
        raise invalid(f"Invalid {name} time.")
    if zone_name:
        read_zone(zone_name, message=f"Invalid time zone definition for {name} time.")
    if day:
        return {"date": _parse_date(day, name)}
    if not moment:
        raise required(f"Missing {name} time.")
    instant: JsonObject = {"dateTime": format_in_seconds(_parse_instant(moment, zone_name, name))}
    return instant | ({"timeZone": zone_name} if zone_name else {})


def covered_interval(body: JsonObject, calendar_zone: str) -> tuple[datetime, datetime]:
    """Return the instants in UTC that a body with normalised times covers: [start, end).

    Raises:
        CalendarApiError: ``timeRangeEmpty``, or ``invalid`` if only one of the two times is a date.
    """
    start, end = as_object(body["start"]), as_object(body["end"])
    if ("date" in start) != ("date" in end):
        raise invalid("The start and end times must either both be date or both be dateTime.")
    first, last = _to_instant(start, calendar_zone), _to_instant(end, calendar_zone)
    if last < first or ("date" in start and last == first):
        raise known_error("timeRangeEmpty")
    return first, last


def format_time(value: JsonObject, calendar_zone: str, zone_name: str) -> JsonObject:
    """Return a normalised time as Google's JSON, in the zone ``zone_name``."""
    if "date" in value:
        return dict(value)
    instant = datetime.fromisoformat(as_text(value["dateTime"]))
    return {"dateTime": format_in_zone(instant, zone_name), "timeZone": value.get("timeZone", calendar_zone)}


def _to_instant(value: JsonObject, calendar_zone: str) -> datetime:
    if "date" in value:
        return start_of_day(parse_date(as_text(value["date"])), calendar_zone)
    return datetime.fromisoformat(as_text(value["dateTime"]))


def _parse_instant(text: str, zone_name: str, name: str) -> datetime:
    try:
        parsed = parse_date_time(text).replace(microsecond=0)
    except ValueError as error:
        raise invalid(f"Invalid {name} time.") from error
    if parsed.tzinfo is None:
        if not zone_name:
            raise required(f"Missing time zone definition for {name} time.")
        parsed = parsed.replace(tzinfo=find_zone(zone_name))
    return parsed.astimezone(UTC)


def _parse_date(text: str, name: str) -> str:
    try:
        return parse_date(text).isoformat()
    except ValueError as error:
        raise invalid(f"Invalid {name} time.") from error
