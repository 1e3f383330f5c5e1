"""Read what the settings page shows of a merchant's calendars: the privacy check, busy times, managed events."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from slotsync.domain.availability.horizon import split_into_batches
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message
from slotsync.errors import CalendarMissing, NotFound, ScopeMissing
from slotsync.google.events.body import format_instant, parse_time
from slotsync.google.freebusy import GoogleBusyTimes
from slotsync.google.requests import execute, list_items
from slotsync.google.service import GoogleServices

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event, Events

MAX_EVENTS_SHOWN = 250

_CHECKED_PAST, _CHECKED_FUTURE = timedelta(weeks=4), timedelta(weeks=52)

_DETAIL_FIELDS = frozenset(
    {
        "attachments",
        "attendees",
        "birthdayProperties",
        "conferenceData",
        "description",
        "extendedProperties",
        "gadget",
        "hangoutLink",
        "location",
        "source",
        "summary",
        "workingLocationProperties",
    }
)


class Disclosure(StrEnum):
    """The part of a foreign calendar's events that Google shows to slotsync."""

    NOTHING = "nothing"
    NO_EVENTS = "no_events"
    TIMES = "times"
    DETAILS = "details"


class PreviewEvent(Message):
    """An event in a managed calendar. It has no repr, so that no guest is logged by accident."""

    title: str
    start: datetime | date
    end: datetime | date

    def __repr__(self) -> str:
        return "PreviewEvent(...)"

    __str__ = __repr__


class CalendarPreviews:
    """Reads for the settings page, each with one call or a few."""

    def __init__(self, services: GoogleServices) -> None:
        self._services = services

    def check_disclosure(self, connection_id: str, calendar_id: str, now: datetime) -> Disclosure:
        """Return what Google shows of the calendar's events: the promise is ``NOTHING``, ``NO_EVENTS`` or ``TIMES``.

        The events of 4 weeks back and 52 weeks ahead are read.
        """
        try:
            return _disclosure(self._events(connection_id, calendar_id, now - _CHECKED_PAST, now + _CHECKED_FUTURE))
        except (CalendarMissing, NotFound, ScopeMissing):
            return Disclosure.NOTHING

    def read_busy_times(
        self, connection_id: str, calendar_ids: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, tuple[Interval, ...] | None]:
        """Return the busy times by calendar id; None for a calendar that could not be read: it is unknown, not free."""
        google, busy = GoogleBusyTimes(self._services), dict[str, tuple[Interval, ...] | None]()
        for batch in split_into_batches(calendar_ids):
            read = google.read(connection_id, batch, Interval(start=start, end=end))
            busy.update({each: None if times.error else times.busy for each, times in read.items()})
        return busy

    def list_events(self, connection_id: str, calendar_id: str, start: datetime, end: datetime) -> list[PreviewEvent]:
        """Return a managed calendar's events between start and end, in order of their start; at most the first 250."""
        first = islice(self._events(connection_id, calendar_id, start, end), MAX_EVENTS_SHOWN)
        return [preview for event in first if (preview := _preview(event))]

    def _events(self, connection_id: str, calendar_id: str, start: datetime, end: datetime) -> "Iterator[Event]":
        events = self._services.calendar(connection_id).events

        def fetch_page(token: str | None) -> "Events":
            listing = events.list(
                calendarId=calendar_id,
                timeMin=format_instant(start),
                timeMax=format_instant(end),
                singleEvents=True,
                orderBy="startTime",
                maxResults=MAX_EVENTS_SHOWN,
                pageToken=token,
            )
            return execute(listing)

        return list_items(fetch_page)


def _disclosure(events: "Iterable[Event]") -> Disclosure:
    disclosure = Disclosure.NO_EVENTS
    for event in events:
        if any(value and name in _DETAIL_FIELDS for name, value in event.items()):
            return Disclosure.DETAILS
        disclosure = Disclosure.TIMES
    return disclosure


def _preview(event: "Event") -> PreviewEvent | None:
    start, end = parse_time(event.get("start", {})), parse_time(event.get("end", {}))
    if start is None or end is None:
        return None
    return PreviewEvent(title=event.get("summary", ""), start=start, end=end)
