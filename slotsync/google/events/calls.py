"""The calls to Google that concern one calendar's events."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from slotsync.errors import CalendarMissing, Gone, NotFound, Transient
from slotsync.google.service import Answer_co, CalendarService, GoogleRequest, ask, order

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event, Events

PAGE = 250


class EventCalls:
    """Each method is one call to Google. When the calendar itself may be gone, one more finds out."""

    def __init__(self, service: CalendarService, calendar_id: str, heartbeat: Callable[[], None]) -> None:
        self._service = service
        self._events = service.events
        self._calendar_id = calendar_id
        self._heartbeat = heartbeat

    def insert(self, body: "Event") -> "Event":
        """Creates the event under the id in its body; ``Exists`` when the id was ever used.

        ``CalendarMissing`` when there is no calendar to create it in.
        """
        try:
            return self._ask(self._events.insert(calendarId=self._calendar_id, body=body))
        except NotFound as error:
            self._demand_calendar()
            message = "Google did not find a calendar that it shows; it is tried again"
            raise Transient(message, reason=error.reason, status=error.status) from None

    def update(self, event_id: str, body: "Event", etag: str) -> "Event":
        """Replaces the event; ``Conflict`` when it changed since it had this etag."""
        call = self._events.update(calendarId=self._calendar_id, eventId=event_id, body=body)
        call.headers = {**(call.headers or {}), "If-Match": etag}
        return self._ask(call)

    def delete(self, event_id: str, etag: str) -> None:
        """Deletes the event; ``Conflict`` when it changed since it had this etag."""
        call = self._events.delete(calendarId=self._calendar_id, eventId=event_id)
        call.headers = {**(call.headers or {}), "If-Match": etag}
        self._heartbeat()
        order(call)

    def look(self, event_id: str) -> "Event | None":
        """The event, its tombstone, or nothing."""
        try:
            return self._ask(self._events.get(calendarId=self._calendar_id, eventId=event_id))
        except (Gone, NotFound):
            return None

    def marked(self, reservation: str) -> "Iterator[Event]":
        """The living events that carry this reservation in their mark."""
        token: str | None = None
        while True:
            page = self._page(reservation, token)
            yield from page.get("items", [])
            token = page.get("nextPageToken")
            if not token:
                return

    def _page(self, reservation: str, token: str | None) -> "Events":
        wanted = f"reservation={reservation}"
        listing = self._events.list(
            calendarId=self._calendar_id, privateExtendedProperty=wanted, maxResults=PAGE, pageToken=token
        )
        try:
            return self._ask(listing)
        except NotFound:
            self._demand_calendar()
            raise

    def _demand_calendar(self) -> None:
        try:
            self._ask(self._service.calendars.get(calendarId=self._calendar_id))
        except (Gone, NotFound) as error:
            message = "the calendar is deleted in Google, or no longer ours"
            raise CalendarMissing(message, reason=error.reason, status=error.status) from None

    def _ask(self, call: GoogleRequest[Answer_co]) -> Answer_co:
        self._heartbeat()
        return ask(call)
