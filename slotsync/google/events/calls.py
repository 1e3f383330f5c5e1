"""Call Google's methods on the events of one calendar."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from slotsync.domain.health import NO_WRITE_ACCESS_REASON
from slotsync.errors import CalendarMissing, CalendarReadOnly, Gone, NotFound, Refused
from slotsync.google.events.mark import SEARCHED, SEARCHED_FIRST
from slotsync.google.requests import execute, execute_empty, list_items
from slotsync.google.service import CalendarService

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event, Events

MAX_MARKED_EVENTS_PER_PAGE = 250

_KEEPS_MEETING: Final[dict[str, Any]] = {"conferenceDataVersion": 1}
"""The parameter without which Google ignores ``conferenceData`` in a body, and a meeting that people added is lost."""

_WRITING_ROLES: Final = frozenset({"owner", "writer"})


def require_writable(page: "Events") -> "Events":
    """Return a page of events as it is.

    Raises:
        CalendarReadOnly: Google may show less of them, since we may not write to the calendar. It is refused as a
            write is: the calendar is there, so that it is not to be replaced by another one.
    """
    if page.get("accessRole") not in _WRITING_ROLES:
        # Google hides our marks from those who may only see when the calendar is busy: nothing found says nothing.
        message = "this account may not write to the calendar, or not see all of its events"
        raise CalendarReadOnly(message, reason=NO_WRITE_ACCESS_REASON, status=403)
    return page


class EventCalls:
    """The calls on one calendar's events. Each is one request; one more checks the calendar when it may be missing.

    ``heartbeat`` is called before each request.
    """

    def __init__(self, service: CalendarService, calendar_id: str, heartbeat: Callable[[], None]) -> None:
        self._service = service
        self._events = service.events
        self.calendar_id = calendar_id
        self._heartbeat = heartbeat

    def insert(self, body: "Event") -> "Event":
        """Create the event with the id in its body, and return it.

        Raises:
            Exists: The id is used by an event, or was used by a deleted one.
            CalendarMissing: There is no calendar to create it in.
        """
        try:
            return execute(self._events.insert(calendarId=self.calendar_id, body=body), self._heartbeat)
        except (Gone, NotFound) as error:
            self._require_calendar()
            message = "Google did not find a calendar that it shows; it is tried again"
            raise Refused(message, reason=error.reason, status=error.status) from None

    def update(self, event_id: str, body: "Event", etag: str) -> "Event":
        """Replace the event and return it. Google sends no mail to guests whom somebody has added.

        Raises:
            Conflict: The event changed since it had this etag.
        """
        call = self._events.update(
            calendarId=self.calendar_id,
            eventId=event_id,
            body=body,
            sendUpdates="none",
            supportsAttachments="attachments" in body,
            **(_KEEPS_MEETING if "conferenceData" in body else {}),
        )
        call.headers = {**(call.headers or {}), "If-Match": etag}
        return execute(call, self._heartbeat)

    def delete(self, event_id: str, etag: str) -> None:
        """Delete the event. Google sends no mail to guests whom somebody has added.

        Raises:
            Conflict: The event changed since it had this etag.
            Gone: The event is deleted already.
            NotFound: There is no such event.
        """
        call = self._events.delete(calendarId=self.calendar_id, eventId=event_id, sendUpdates="none")
        call.headers = {**(call.headers or {}), "If-Match": etag}
        execute_empty(call, self._heartbeat)

    def get(self, event_id: str) -> "Event | None":
        """Return the event or its tombstone, or None if Google finds neither."""
        try:
            return execute(self._events.get(calendarId=self.calendar_id, eventId=event_id), self._heartbeat)
        except (Gone, NotFound):
            return None

    def list_marked(self, reservation: str, *, first_format: bool = False) -> "Iterator[Event]":
        """Yield the events, without deleted ones, that have this reservation in their mark.

        With ``first_format``, a second request finds those with marks of the first format, beside which others may be.

        Raises:
            CalendarMissing: The calendar is missing.
            CalendarReadOnly: We may not write to the calendar; raised after the events that Google shows all the same.
        """
        seen = set[str]()
        pages: list[Events] = []
        for name in (SEARCHED, SEARCHED_FIRST) if first_format else (SEARCHED,):
            for event in list_items(partial(self._fetch_page, f"{name}={reservation}", pages)):
                if event["id"] not in seen:
                    seen.add(event["id"])
                    yield event
        for page in pages:
            require_writable(page)

    def _fetch_page(self, constraint: str, pages: "list[Events]", token: str | None) -> "Events":
        listing = self._events.list(
            calendarId=self.calendar_id,
            privateExtendedProperty=constraint,
            maxResults=MAX_MARKED_EVENTS_PER_PAGE,
            pageToken=token,
        )
        try:
            page = execute(listing, self._heartbeat)
        except (Gone, NotFound):
            self._require_calendar()
            raise
        pages.append(page)
        return page

    def _require_calendar(self) -> None:
        try:
            execute(self._service.calendars.get(calendarId=self.calendar_id), self._heartbeat)
        except (Gone, NotFound) as error:
            message = "the calendar is deleted in Google, or no longer ours"
            raise CalendarMissing(message, reason=error.reason, status=error.status) from None
