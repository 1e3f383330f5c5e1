"""Create, update, find and delete managed calendars in Google."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from slotsync.domain.reservations.event import EventKey, WrittenEvent
from slotsync.errors import CalendarMissing, CalendarReadOnly, Gone, NotFound, Refused, Transient
from slotsync.google.calendar_list import iterate_entries
from slotsync.google.calendar_marks import CalendarSpec, FoundCalendar, select_marked
from slotsync.google.events.calls import require_writable
from slotsync.google.events.decision import read_marked
from slotsync.google.events.mark import Mark
from slotsync.google.requests import execute, execute_empty, list_items, no_heartbeat
from slotsync.google.service import CalendarService, GoogleServices

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Calendar, Event, Events

MAX_EVENTS_PER_PAGE = 2500
"""Google's own maximum."""

MAX_OUT_OF_REACH = 1
"""The calendars with our mark that Google lists but does not let us use, beside which one more is created."""


FindTaken = Callable[[Collection[str]], Collection[str]]
"""Returns those of these ids of calendars that are recorded as other owners': no mark makes them this owner's."""


class EnsuredCalendar(NamedTuple):
    """The one calendar of an owner, whether it was there before, and the time zone (IANA) that Google shows of it."""

    id: str
    existed: bool
    time_zone: str


@dataclass(frozen=True)
class CalendarContents:
    """The events of a calendar: the owner's, by reservation and key, and whether there are any others."""

    own: set[tuple[str, EventKey]]
    has_others: bool


def none_taken(_: Collection[str]) -> Collection[str]:
    """Return no ids: nothing is recorded of any calendar."""
    return ()


class GoogleCalendars:
    """The owners' calendars in Google, never two for one owner. ``heartbeat`` is called before each call to Google."""

    def __init__(self, services: GoogleServices, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._services = services
        self._heartbeat = heartbeat

    def ensure(
        self,
        connection_id: str,
        spec: CalendarSpec,
        preferred: Sequence[str] = (),
        find_taken: FindTaken = none_taken,
    ) -> EnsuredCalendar:
        """Find or create the one calendar with the spec's mark, and return it.

        If there are several, it is the first of the ``preferred`` ones.

        Google takes no id of ours for a calendar, and the HTTP library may send a creation twice. So the mark is
        searched for before and after, and an empty duplicate is deleted; a duplicate with events never is. One that is
        listed, though we may not use it (any more), does not count.

        Raises:
            Refused: there are several of these already. Another one would probably be no better.
        """
        zones = self._find_writable(connection_id, spec, find_taken, limit=MAX_OUT_OF_REACH)
        existed = bool(zones)
        if not existed:
            created = self.create(connection_id, spec)
            zones = {created: spec.time_zone, **self._find_writable(connection_id, spec, find_taken, known=created)}
        in_order = [each for each in preferred if each in zones]
        kept = self._keep_one(connection_id, [*in_order, *sorted(zones.keys() - {*in_order})])
        return EnsuredCalendar(kept, existed, zones[kept])

    def find_marked_events(
        self, connection_id: str, calendar_id: str, spec: CalendarSpec
    ) -> dict[tuple[str, EventKey], WrittenEvent]:
        """Return the events of the merchant that slotsync wrote, by reservation and key, the newest of each.

        Those of other owners were dragged here from their calendars. Copies that people made are left out.
        """
        events = self._events(self._services.calendar(connection_id), calendar_id, require_writable)
        found = (read_marked(spec.merchant, connection_id, calendar_id, event) for event in events)
        by_version = sorted((each for each in found if each), key=lambda each: each[1].version)
        newest: dict[tuple[str, EventKey], WrittenEvent] = {}
        for reservation, written in by_version:
            place = (reservation, written.key)
            duplicates_in = (calendar_id,) if place in newest else ()
            newest[place] = written.model_copy(update={"duplicates_in": duplicates_in})
        return newest

    def find_left_events(
        self, connection_id: str, calendar_id: str, spec: CalendarSpec
    ) -> dict[tuple[str, EventKey], WrittenEvent] | None:
        """Return the owner's events in a former calendar, None if Google does not show them: it is out of reach."""
        try:
            found = self.find_marked_events(connection_id, calendar_id, spec)
        except (CalendarMissing, CalendarReadOnly, Gone, NotFound):
            return None
        return {key: written for key, written in found.items() if written.key.owner == spec.owner}

    def remove_duplicates(
        self, connection_id: str, spec: CalendarSpec, kept: str, find_taken: FindTaken = none_taken
    ) -> list[str]:
        """Delete empty calendars with the spec's mark other than ``kept``, and return their ids.

        Needed for some minutes after ``ensure``: Google may carry out a creation late, after our timeout.
        """
        service = self._services.calendar(connection_id)
        duplicates = sorted(self._find_writable(connection_id, spec, find_taken, known=kept))
        empty = [duplicate for duplicate in duplicates if not self._was_used(service, duplicate)]
        for duplicate in empty:
            self._delete(service, duplicate)
        return empty

    def find(self, connection_id: str, spec: CalendarSpec) -> list[FoundCalendar]:
        """Return all calendars of the account itself that have the owner's mark, sorted by id."""
        return select_marked(iterate_entries(self._services.calendar(connection_id), self._heartbeat, "owner"), spec)

    def create(self, connection_id: str, spec: CalendarSpec) -> str:
        """Create a calendar and return its id."""
        calendars = self._services.calendar(connection_id).calendars
        return execute(calendars.insert(body=spec.body()), self._heartbeat)["id"]

    def exists(self, connection_id: str, calendar_id: str) -> bool:
        """Return whether the calendar exists and slotsync may see it."""
        return self._get(connection_id, calendar_id) is not None

    def update(self, connection_id: str, calendar_id: str, spec: CalendarSpec) -> bool:
        """Give the calendar the spec's name, description and time zone; return False if the calendar is missing."""
        calendar = self._get(connection_id, calendar_id)
        if calendar is None:
            return False
        body = spec.body()
        if any(calendar.get(name) != value for name, value in body.items()):
            calendars = self._services.calendar(connection_id).calendars
            execute(calendars.patch(calendarId=calendar_id, body=body), self._heartbeat)
        return True

    def delete(self, connection_id: str, calendar_id: str) -> None:
        """Delete the calendar with all its events. A missing calendar is no error."""
        try:
            self._delete(self._services.calendar(connection_id), calendar_id)
        except Transient:  # it may have been deleted, and the answer was lost
            if self.exists(connection_id, calendar_id):
                raise

    def has_foreign_events(self, connection_id: str, calendar_id: str, merchant: str) -> bool:
        """Return whether the calendar has events that slotsync did not write.

        A copy that people made of one of ours is foreign.

        Raises:
            CalendarMissing: Google does not find the calendar, or shows less of it: it is deleted, or out of reach.
        """
        events = self._events(self._services.calendar(connection_id), calendar_id, require_writable)
        try:
            return any(read_marked(merchant, connection_id, calendar_id, event) is None for event in events)
        except (CalendarReadOnly, Gone, NotFound) as error:
            message = "the calendar is deleted in Google, or no longer ours"
            raise CalendarMissing(message, reason=error.reason, status=error.status) from None

    def look_into(self, connection_id: str, calendar_id: str, spec: CalendarSpec) -> CalendarContents | None:
        """Return what the owner's calendar has, None if Google does not find it."""
        service = self._services.calendar(connection_id)
        try:
            events = list(self._events(service, calendar_id))
        except (Gone, NotFound):
            return None
        found = [read_marked(spec.merchant, connection_id, calendar_id, event) for event in events]
        own = {(each[0], each[1].key) for each in found if each and each[1].key.owner == spec.owner}
        foreign = any(each is None or each[1].key.owner != spec.owner for each in found)
        return CalendarContents(own=own, has_others=foreign)

    def delete_marked_events(self, connection_id: str, calendar_id: str, limit: int) -> bool:
        """Delete the events that slotsync wrote, at most ``limit`` of them; return whether none is left.

        Copies that people made of them go, too: they show as much of a guest.
        """
        service = self._services.calendar(connection_id)
        ours = [event["id"] for event in self._events(service, calendar_id) if Mark.from_event(event)]
        for event_id in ours[:limit]:
            with suppress(Gone, NotFound):
                deletion = service.events.delete(calendarId=calendar_id, eventId=event_id, sendUpdates="none")
                execute_empty(deletion, self._heartbeat)
        return len(ours) <= limit

    def _get(self, connection_id: str, calendar_id: str) -> "Calendar | None":
        calendars = self._services.calendar(connection_id).calendars
        try:
            return execute(calendars.get(calendarId=calendar_id), self._heartbeat)
        except (Gone, NotFound):
            return None

    def _events(
        self, service: CalendarService, calendar_id: str, check: "Callable[[Events], Events]" = lambda page: page
    ) -> "Iterator[Event]":
        def fetch_page(token: str | None) -> "Events":
            listing = service.events.list(calendarId=calendar_id, maxResults=MAX_EVENTS_PER_PAGE, pageToken=token)
            return check(execute(listing, self._heartbeat))

        return list_items(fetch_page)

    def _find_writable(
        self,
        connection_id: str,
        spec: CalendarSpec,
        find_taken: FindTaken,
        *,
        known: str | None = None,
        limit: int | None = None,
    ) -> dict[str, str]:
        """Return the calendars with the owner's mark that we may write to, other than the ``known`` one.

        Their time zones (IANA) by their ids. A mark that somebody has copied to a calendar that slotsync did not make
        must not hold up the owner's own one.

        Raises:
            Refused: there is none, and more than ``limit`` are out of reach.
        """
        found = {each.id: each.time_zone for each in self.find(connection_id, spec) if each.id != known}
        taken = {*find_taken([*found])} if found else set()
        free = {each: zone for each, zone in found.items() if each not in taken}
        writable = {each: zone for each, zone in free.items() if self._is_writable(connection_id, each)}
        if not writable and limit is not None and len(free) > limit:
            raise Refused("Google lists calendars of ours, but does not let us use them", reason="no_access")
        return writable

    def _is_writable(self, connection_id: str, calendar_id: str) -> bool:
        events = self._services.calendar(connection_id).events
        try:
            require_writable(execute(events.list(calendarId=calendar_id, maxResults=1), self._heartbeat))
        except (CalendarMissing, CalendarReadOnly, Gone, NotFound):
            return False
        return self.exists(connection_id, calendar_id)  # by which a write decides that it is missing

    def _keep_one(self, connection_id: str, duplicates: list[str]) -> str:
        if len(duplicates) == 1:
            return duplicates[0]
        service = self._services.calendar(connection_id)
        used = [duplicate for duplicate in duplicates if self._was_used(service, duplicate)]
        kept = (used or duplicates)[0]
        for duplicate in duplicates:
            if duplicate != kept and duplicate not in used:
                self._delete(service, duplicate)
        return kept

    def _was_used(self, service: CalendarService, calendar_id: str) -> bool:
        """Return whether the calendar has an event or the tombstone of a deleted one."""

        def fetch_page(token: str | None) -> "Events":
            listing = service.events.list(calendarId=calendar_id, maxResults=1, showDeleted=True, pageToken=token)
            return execute(listing, self._heartbeat)

        return any(True for _ in list_items(fetch_page))

    def _delete(self, service: CalendarService, calendar_id: str) -> None:
        try:
            execute_empty(service.calendars.delete(calendarId=calendar_id), self._heartbeat)
        except (Gone, NotFound):
            return  # another worker found the same duplicates
