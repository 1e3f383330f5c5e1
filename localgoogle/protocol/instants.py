"""Read instants, dates and time zones as RFC 3339, and format them as Google does."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
Day = TypeVar("Day", bound=date)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of this name.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"unknown time zone: {name}") from error


def parse_date_time(text: str) -> datetime:
    """Return the RFC 3339 date-time, naive if the text has no offset.

    Raises:
        ValueError: the text is no date-time, or out of range.
    """
    if not _DATE_TIME.fullmatch(text):
        raise ValueError(f"not an RFC 3339 date-time: {text}")
    return _check_year(datetime.fromisoformat(text.upper()))


def parse_instant(text: str) -> datetime:
    """Return the RFC 3339 date-time as an instant in UTC.

    Raises:
        ValueError: the text is no date-time with an offset, or out of range.
    """
    parsed = parse_date_time(text)
    if parsed.tzinfo is None:
        raise ValueError(f"no offset: {text}")
    return parsed.astimezone(UTC)


def parse_date(text: str) -> date:
    """Return the date of ``YYYY-MM-DD``.

    Raises:
        ValueError: the text is no date, or out of range.
    """
    if not _DATE.fullmatch(text):
        raise ValueError(f"not a date: {text}")
    return _check_year(date.fromisoformat(text))


def _check_year(day: Day) -> Day:
    """Raise ValueError for Python's first and last year, in which not every time zone can be calculated."""
    if not MINYEAR < day.year < MAXYEAR:
        raise ValueError(f"beyond the calendar: {day}")
    return day


def start_of_day(day: date, zone_name: str) -> datetime:
    """Return the instant in UTC at which a day begins in a time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=find_zone(zone_name)).astimezone(UTC)


def format_in_zone(instant: datetime, zone_name: str) -> str:
    """Return the wall time with the zone's offset: ``2026-03-29T10:00:00+02:00``, or with ``Z`` in UTC."""
    return format_in_seconds(instant.astimezone(find_zone(zone_name)))


def format_in_seconds(instant: datetime) -> str:
    """Return the date-time in whole seconds with its own offset, ``Z`` for UTC."""
    text = instant.isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def format_with_milliseconds(instant: datetime) -> str:
    """Return the instant in UTC as ``2026-09-28T10:00:00.000Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_micros(instant: datetime) -> int:
    """Return the microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant in UTC of these microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def make_etag(stamp: int) -> str:
    """Return the etag of a resource that changed at ``stamp``, in microseconds since 1970: Google doubles it."""
    return f'"{2 * stamp}"'
