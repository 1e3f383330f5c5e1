"""Managed calendars in Google."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

from slotsync.domain.availability.blocking import CALENDAR_MARK
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message
from slotsync.errors import Gone, NotFound
from slotsync.google.calendar_list import entries
from slotsync.google.events.body import Mark
from slotsync.google.events.writes import no_heartbeat
from slotsync.google.service import Answer_co, CalendarService, GoogleRequest, GoogleServices, ask, order

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Calendar, CalendarListEntry, Event

PAGE = 250
EVENTS_PAGE = 2500


class CalendarSpec(Message):
    """A managed calendar as it should be created."""

    merchant: str
    owner: Owner
    name: str
    time_zone: str

    @property
    def mark(self) -> str:
        """The line that tells this owner's calendar from all others, without naming anybody."""
        told = "\n".join((self.merchant, self.owner.kind, self.owner.id))
        digest = hashlib.sha256(told.encode()).digest()[:15]
        return f"{CALENDAR_MARK}{base64.b32hexencode(digest).decode().lower()}"

    def body(self) -> "Calendar":
        """As Google writes it."""
        explanation = "Kept by slotsync: reservations appear here by themselves. Please leave the next line as it is."
        return {"summary": self.name, "timeZone": self.time_zone, "description": f"{explanation}\n{self.mark}"}


class FoundCalendar(Message):
    """A calendar of the account that carries the mark."""

    id: str
    summary: str
    time_zone: str

    @classmethod
    def of(cls, entry: "CalendarListEntry") -> Self:
        """From an entry of the account's list."""
        return cls(id=entry["id"], summary=entry.get("summary", ""), time_zone=entry.get("timeZone", ""))


class GoogleCalendars:
    """Makes the calendars of owners, never two for one. ``heartbeat`` is called before each call to Google."""

    def __init__(self, services: GoogleServices, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._services = services
        self._heartbeat = heartbeat

    def ensure(self, connection_id: str, spec: CalendarSpec) -> str:
        """The id of the one calendar with this mark: found, or created.

        Google takes no id of ours for a calendar, and the HTTP library may send a creation twice. So it is looked for
        before and after, and an empty twin is deleted; a twin with events in it never is.
        """
        found = {calendar.id for calendar in self.find(connection_id, spec.mark)}
        if not found:
            created = self.create(connection_id, spec)
            found = {created, *(calendar.id for calendar in self.find(connection_id, spec.mark))}
        return self._only_one(connection_id, sorted(found))

    def remove_duplicates(self, connection_id: str, spec: CalendarSpec, kept: str) -> list[str]:
        """The empty calendars with this mark that were deleted, so that only ``kept`` is left.

        For some minutes after ``ensure``: Google may carry out a creation that we gave up waiting for only later.
        """
        service = self._services.calendar(connection_id)
        duplicates = [calendar.id for calendar in self.find(connection_id, spec.mark) if calendar.id != kept]
        unused = [twin for twin in duplicates if not self._was_used(service, twin)]
        for twin in unused:
            self._delete(service, twin)
        return unused

    def find(self, connection_id: str, mark: str) -> list[FoundCalendar]:
        """All calendars of this account that carry the mark, by id."""
        owned = entries(self._services.calendar(connection_id), self._ask, "owner")
        found = [FoundCalendar.of(entry) for entry in owned if mark in entry.get("description", "").splitlines()]
        return sorted(found, key=lambda calendar: calendar.id)

    def create(self, connection_id: str, spec: CalendarSpec) -> str:
        """The id of a new calendar."""
        calendars = self._services.calendar(connection_id).calendars
        return self._ask(calendars.insert(body=spec.body()))["id"]

    def exists(self, connection_id: str, calendar_id: str) -> bool:
        """Whether the calendar is there, and ours to see."""
        return self._get(connection_id, calendar_id) is not None

    def keep(self, connection_id: str, calendar_id: str, spec: CalendarSpec) -> bool:
        """Makes the calendar's name, description and time zone those of the spec; false when there is none."""
        found = self._get(connection_id, calendar_id)
        if found is None:
            return False
        body = spec.body()
        if any(found.get(name) != value for name, value in body.items()):
            calendars = self._services.calendar(connection_id).calendars
            self._ask(calendars.patch(calendarId=calendar_id, body=body))
        return True

    def delete(self, connection_id: str, calendar_id: str) -> None:
        """Deletes the calendar with all that is in it; one that is gone already is fine."""
        self._delete(self._services.calendar(connection_id), calendar_id)

    def holds_foreign_events(self, connection_id: str, calendar_id: str) -> bool:
        """Whether somebody else's events are in the calendar, too."""
        service = self._services.calendar(connection_id)
        try:
            return any(Mark.on(event) is None for event in self._events(service, calendar_id))
        except (Gone, NotFound):
            return False

    def _get(self, connection_id: str, calendar_id: str) -> "Calendar | None":
        calendars = self._services.calendar(connection_id).calendars
        try:
            return self._ask(calendars.get(calendarId=calendar_id))
        except (Gone, NotFound):
            return None

    def _events(self, service: CalendarService, calendar_id: str) -> "Iterator[Event]":
        token: str | None = None
        while True:
            page = self._ask(service.events.list(calendarId=calendar_id, maxResults=EVENTS_PAGE, pageToken=token))
            yield from page.get("items", [])
            token = page.get("nextPageToken")
            if not token:
                return

    def _only_one(self, connection_id: str, duplicates: list[str]) -> str:
        if len(duplicates) == 1:
            return duplicates[0]
        service = self._services.calendar(connection_id)
        used = [twin for twin in duplicates if self._was_used(service, twin)]
        kept = (used or duplicates)[0]
        for twin in duplicates:
            if twin != kept and twin not in used:
                self._delete(service, twin)
        return kept

    def _was_used(self, service: CalendarService, calendar_id: str) -> bool:
        """Whether it has an event or the tombstone of one. A page may be empty with more to come."""
        token: str | None = None
        while True:
            listing = service.events.list(calendarId=calendar_id, maxResults=1, showDeleted=True, pageToken=token)
            page = self._ask(listing)
            if page.get("items"):
                return True
            token = page.get("nextPageToken")
            if not token:
                return False

    def _delete(self, service: CalendarService, calendar_id: str) -> None:
        self._heartbeat()
        try:
            order(service.calendars.delete(calendarId=calendar_id))
        except (Gone, NotFound):
            return  # another worker saw the same twins

    def _ask(self, call: GoogleRequest[Answer_co]) -> Answer_co:
        self._heartbeat()
        return ask(call)
