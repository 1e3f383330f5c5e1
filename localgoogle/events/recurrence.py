"""Expand recurring events into their occurrences.

This needs python-dateutil. Without it a series has its first occurrence only.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from localgoogle.events.times import covered_interval
from localgoogle.protocol.instants import find_zone, format_in_seconds, parse_date
from localgoogle.protocol.json_values import JsonObject, as_list, as_object, as_text
from localgoogle.state.records import StoredEvent

try:
    from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it has no types
except ImportError:
    rrulestr = None

_DAY = timedelta(days=1)


class RecurrenceRule(Protocol):
    """The recurrence lines of an event as dateutil parses them."""

    def between(self, after: datetime, before: datetime, inc: bool = False) -> list[datetime]:
        """Return the starts from ``after`` to ``before``, with both bounds if ``inc`` is true."""


def is_recurring(event: StoredEvent) -> bool:
    """Return whether the event is a series."""
    return bool(as_list(event.body.get("recurrence")))


def check_rule(body: JsonObject, first: datetime, zone_name: str) -> None:
    """Check the recurrence of a body, as far as it has one.

    Raises:
        ValueError: a line cannot be read.
    """
    lines = [str(line) for line in as_list(body.get("recurrence"))]
    if lines and not all(line.startswith(("RRULE", "RDATE", "EXDATE", "EXRULE")) for line in lines):
        raise ValueError("not a line of recurrence")
    if lines and rrulestr is not None:
        _parse_rule(body, first, zone_name)


def list_occurrences(series: StoredEvent, calendar_zone: str, start: datetime, end: datetime) -> list[StoredEvent]:
    """Return the occurrences of a series that touch [start, end), as events with ids of their own."""
    if rrulestr is None:
        return [series] if series.start < end and series.end > start else []
    length = series.end - series.start
    starts = _list_starts(series, calendar_zone, start - length - _DAY, end)
    occurrences = (_build_occurrence(series, begin, calendar_zone) for begin in starts)
    return [event for event in occurrences if event.end > start and event.start < end]


def find_occurrence(series: StoredEvent, calendar_zone: str, occurrence_id: str) -> StoredEvent | None:
    """Return the occurrence of the series with this id, or None."""
    stamp = occurrence_id.rpartition("_")[2]
    try:
        day = datetime.strptime(stamp[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    candidates = list_occurrences(series, calendar_zone, day - _DAY, day + 2 * _DAY)
    return next((event for event in candidates if event.id == occurrence_id), None)


def has_occurrence(series: StoredEvent, calendar_zone: str, occurrence_id: str) -> bool:
    """Return whether the event is a series with an occurrence of this id."""
    return is_recurring(series) and find_occurrence(series, calendar_zone, occurrence_id) is not None


def _list_starts(series: StoredEvent, calendar_zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    zone_name = as_text(as_object(series.body["start"]).get("timeZone")) or calendar_zone
    zone = find_zone(zone_name)
    first, lowest, highest = (instant.astimezone(zone) for instant in (series.start, start, end))
    if series.all_day:
        first, lowest, highest = (wall.replace(tzinfo=None) for wall in (first, lowest, highest))
    for begin in _parse_rule(series.body, first, zone_name).between(lowest, highest, inc=True):
        yield begin if series.all_day else begin.astimezone(UTC)


def _parse_rule(body: JsonObject, first: datetime, zone_name: str) -> RecurrenceRule:
    """Return the parsed rule: with naive days or with aware times, as dateutil needs start and lines to be alike."""
    if "date" in as_object(body["start"]):
        first = first.astimezone(find_zone(zone_name)).replace(tzinfo=None) if first.tzinfo else first
    else:
        first = first.astimezone(find_zone(zone_name))
    lines = "\n".join(str(line) for line in as_list(body["recurrence"]))
    return cast("RecurrenceRule", rrulestr(lines, dtstart=first, forceset=True))


def _build_occurrence(series: StoredEvent, begin: datetime, calendar_zone: str) -> StoredEvent:
    own = _all_day_interval(series, begin) if series.all_day else _timed_interval(series, begin)
    stamp = f"{begin:%Y%m%d}" if series.all_day else f"{begin:%Y%m%dT%H%M%SZ}"
    body = {name: value for name, value in series.body.items() if name != "recurrence"} | own
    body |= {"recurringEventId": series.id, "originalStartTime": own["start"], "iCalUID": series.i_cal_uid}
    start, end = covered_interval(body, calendar_zone)
    return replace(series, id=f"{series.id}_{stamp}", body=body, start=start, end=end)


def _timed_interval(series: StoredEvent, begin: datetime) -> JsonObject:
    ends = {"start": begin, "end": begin + (series.end - series.start)}
    return {k: as_object(series.body[k]) | {"dateTime": format_in_seconds(instant)} for k, instant in ends.items()}


def _all_day_interval(series: StoredEvent, begin: datetime) -> JsonObject:
    first, last = (parse_date(as_text(as_object(series.body[name])["date"])) for name in ("start", "end"))
    day = begin.date()
    return {"start": {"date": day.isoformat()}, "end": {"date": (day + (last - first)).isoformat()}}
