"""What merchants see of their calendars on the settings page: the privacy check and managed events."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from slotsync.domain.availability.horizon import batches
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message
from slotsync.errors import CalendarMissing, NotFound, ScopeMissing
from slotsync.google.events.body import from_google, instant_text
from slotsync.google.freebusy import GoogleBusyTimes
from slotsync.google.service import GoogleServices, ask

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

EVENTS_SHOWN = 250

_BACK, _AHEAD = timedelta(weeks=4), timedelta(weeks=52)

_SAYS_SOMETHING = frozenset(
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


class GivenAway(StrEnum):
    """What Google tells of the events of somebody else's calendar."""

    NOTHING = "nothing"
    NO_EVENTS = "no_events"
    TIMES = "times"
    DETAILS = "details"


class ShownEvent(Message):
    """An event in a calendar of ours. It has no repr, so that no guest is logged by accident."""

    title: str
    start: datetime | date
    end: datetime | date

    def __repr__(self) -> str:
        return "ShownEvent(...)"

    __str__ = __repr__


class GoogleLooks:
    """Looks, with one call or a few."""

    def __init__(self, services: GoogleServices) -> None:
        self._services = services

    def given_away(self, connection_id: str, calendar_id: str, now: datetime) -> GivenAway:
        """What Google gives away of the calendar's next events: the promise is nothing, or bare times."""
        try:
            return _given_away(self._events(connection_id, calendar_id, now - _BACK, now + _AHEAD))
        except (CalendarMissing, NotFound, ScopeMissing):
            return GivenAway.NOTHING

    def busy(
        self, connection_id: str, calendar_ids: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, tuple[Interval, ...] | None]:
        """The busy times of each calendar; nothing for one that could not be read: that is unknown, not free."""
        google, found = GoogleBusyTimes(self._services), dict[str, tuple[Interval, ...] | None]()
        for some in batches(calendar_ids):
            read = google.read(connection_id, some, Interval(start=start, end=end))
            found.update({each: None if times.error else times.busy for each, times in read.items()})
        return found

    def events(self, connection_id: str, calendar_id: str, start: datetime, end: datetime) -> list[ShownEvent]:
        """What a calendar of ours shows in this time, in order; at most the first 250."""
        first = islice(self._events(connection_id, calendar_id, start, end), EVENTS_SHOWN)
        return [shown for event in first if (shown := _shown(event))]

    def _events(self, connection_id: str, calendar_id: str, start: datetime, end: datetime) -> "Iterator[Event]":
        """Page by page, in order. A page may be empty with more to come."""
        events = self._services.calendar(connection_id).events
        token: str | None = None
        while True:
            page = ask(
                events.list(
                    calendarId=calendar_id,
                    timeMin=instant_text(start),
                    timeMax=instant_text(end),
                    singleEvents=True,
                    orderBy="startTime",
                    maxResults=EVENTS_SHOWN,
                    pageToken=token,
                )
            )
            yield from page.get("items", [])
            token = page.get("nextPageToken")
            if not token:
                return


def _given_away(events: "Iterable[Event]") -> GivenAway:
    given = GivenAway.NO_EVENTS
    for event in events:
        if any(value and name in _SAYS_SOMETHING for name, value in event.items()):
            return GivenAway.DETAILS
        given = GivenAway.TIMES
    return given


def _shown(event: "Event") -> ShownEvent | None:
    start, end = from_google(event.get("start", {})), from_google(event.get("end", {}))
    if start is None or end is None:
        return None
    return ShownEvent(title=event.get("summary", ""), start=start, end=end)
