"""A product's week, as the settings page draws it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from slotsync.domain.availability.intervals import Interval
from slotsync.google.previews import ShownEvent

DAYS = 7


class EntryKind(StrEnum):
    """What fills a time."""

    RESERVATION = "reservation"
    BUSY = "busy"


@dataclass(frozen=True)
class Entry:
    """What fills a part of one day. ``begins`` and ``ends`` are nothing where it goes on before or after the day."""

    kind: EntryKind
    title: str
    begins: time | None
    ends: time | None


@dataclass(frozen=True)
class Day:
    """One day, with what fills it, in order."""

    date: date
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class _Filled:
    kind: EntryKind
    title: str
    start: datetime
    end: datetime


def week_of(monday: date, zone: ZoneInfo, events: Iterable[ShownEvent], busy: Iterable[Interval]) -> list[Day]:
    """Monday to Sunday on the walls of this zone. Whole days have neither begin nor end."""
    spans = [
        *(_Filled(EntryKind.RESERVATION, each.title, _at(each.start, zone), _at(each.end, zone)) for each in events),
        *(_Filled(EntryKind.BUSY, "", _at(each.start, zone), _at(each.end, zone)) for each in busy),
    ]
    days = [monday + timedelta(days=number) for number in range(DAYS)]
    return [Day(day, tuple(_entries(day, zone, spans))) for day in days]


def bounds(monday: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants between which the week lies."""
    return _at(monday, zone), _at(monday + timedelta(days=DAYS), zone)


def _entries(day: date, zone: ZoneInfo, spans: Sequence[_Filled]) -> Iterator[Entry]:
    first, last = _at(day, zone), _at(day + timedelta(days=1), zone)
    for span in sorted(spans, key=lambda each: (each.start, each.end, each.kind)):
        if span.start < last and span.end > first:
            begins = span.start.time() if span.start > first else None
            ends = span.end.time() if span.end < last else None
            yield Entry(span.kind, span.title, begins, ends)


def _at(moment: datetime | date, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment.astimezone(zone)
    return datetime.combine(moment, time(), zone)
