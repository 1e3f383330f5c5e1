"""List a managed calendar's events: all, or what has changed since the last time."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotsync.errors import CalendarMissing, Gone, NotFound
from slotsync.google.events.calls import EventCalls, require_writable
from slotsync.google.requests import execute, no_heartbeat
from slotsync.google.service import GoogleServices

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Calendar, Event, Events

MAX_EVENTS_PER_PAGE = 2500
"""Google's own maximum."""


@dataclass(frozen=True)
class EventListing:
    """Events of a calendar. With ``complete`` all that stand; else what has changed, with tombstones."""

    events: "list[Event]"
    complete: bool
    sync_token: str | None


class GoogleListings:
    """Lists the events of managed calendars. ``heartbeat`` is called before each call to Google."""

    def __init__(self, services: GoogleServices, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._services = services
        self._heartbeat = heartbeat

    def list_events(self, connection_id: str, calendar_id: str, sync_token: str | None) -> EventListing:
        """Return what has changed since the token; all, if there is none, or if Google knows it no more.

        Raises:
            CalendarMissing: Google does not find the calendar.
            CalendarReadOnly: we may not write to it.
        """
        if sync_token:
            with suppress(Gone):
                return self._list(connection_id, calendar_id, sync_token)
        try:
            return self._list(connection_id, calendar_id, None)
        except (Gone, NotFound) as error:
            message = "the calendar is deleted in Google, or no longer ours"
            raise CalendarMissing(message, reason=error.reason, status=error.status) from None

    def get_calendar(self, connection_id: str, calendar_id: str) -> "Calendar":
        """Return the calendar's own properties.

        Raises:
            CalendarMissing: Google does not find it.
        """
        calendars = self._services.calendar(connection_id).calendars
        try:
            return execute(calendars.get(calendarId=calendar_id), self._heartbeat)
        except (Gone, NotFound) as error:
            message = "the calendar is deleted in Google, or no longer ours"
            raise CalendarMissing(message, reason=error.reason, status=error.status) from None

    def has_event(self, connection_id: str, calendar_id: str, event_id: str) -> bool:
        """Return whether an event with this id stands in the calendar."""
        found = EventCalls(self._services.calendar(connection_id), calendar_id, self._heartbeat).get(event_id)
        return found is not None and found.get("status") != "cancelled"

    def _list(self, connection_id: str, calendar_id: str, sync_token: str | None) -> EventListing:
        page = self._fetch_page(connection_id, calendar_id, sync_token, None)
        events = page.get("items", [])
        while token := page.get("nextPageToken"):
            page = self._fetch_page(connection_id, calendar_id, sync_token, token)
            events += page.get("items", [])
        return EventListing(events, complete=sync_token is None, sync_token=page.get("nextSyncToken"))

    def _fetch_page(
        self, connection_id: str, calendar_id: str, sync_token: str | None, page_token: str | None
    ) -> "Events":
        events = self._services.calendar(connection_id).events
        listing = events.list(
            calendarId=calendar_id, maxResults=MAX_EVENTS_PER_PAGE, pageToken=page_token, syncToken=sync_token
        )
        return require_writable(execute(listing, self._heartbeat))
