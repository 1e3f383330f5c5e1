"""The calendar week of a product or resource on the settings page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from slotsync.domain.availability.intervals import Interval
from slotsync.google.previews import PreviewEvent

DAYS_PER_WEEK = 7


class EntryKind(StrEnum):
    """The kind of an entry."""

    RESERVATION = "reservation"
    BUSY = "busy"


@dataclass(frozen=True)
class Entry:
    """One entry of a day, in local time. ``begins`` is None if it begins before the day, ``ends`` if it ends later."""

    kind: EntryKind
    title: str
    begins: time | None
    ends: time | None


@dataclass(frozen=True)
class Day:
    """One day, with its entries in order of time."""

    date: date
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class _Period:
    kind: EntryKind
    title: str
    start: datetime
    end: datetime


def build_week(monday: date, zone: ZoneInfo, events: Iterable[PreviewEvent], busy: Iterable[Interval]) -> list[Day]:
    """Return the days from Monday to Sunday, with their entries in this time zone.

    An entry that fills a whole day has neither begin nor end.
    """
    periods = [
        *(
            _Period(EntryKind.RESERVATION, each.title, _convert(each.start, zone), _convert(each.end, zone))
            for each in events
        ),
        *(_Period(EntryKind.BUSY, "", _convert(each.start, zone), _convert(each.end, zone)) for each in busy),
    ]
    days = [monday + timedelta(days=number) for number in range(DAYS_PER_WEEK)]
    return [Day(day, tuple(_iterate_entries(day, zone, periods))) for day in days]


def week_bounds(monday: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which the week of this Monday begins and ends in this time zone."""
    return _convert(monday, zone), _convert(monday + timedelta(days=DAYS_PER_WEEK), zone)


def _iterate_entries(day: date, zone: ZoneInfo, periods: Sequence[_Period]) -> Iterator[Entry]:
    first, last = _convert(day, zone), _convert(day + timedelta(days=1), zone)
    for period in sorted(periods, key=lambda each: (each.start, each.end, each.kind)):
        if period.start < last and period.end > first:
            begins = period.start.time() if period.start > first else None
            ends = period.end.time() if period.end < last else None
            yield Entry(period.kind, period.title, begins, ends)


def _convert(moment: datetime | date, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment.astimezone(zone)
    return datetime.combine(moment, time(), zone)
