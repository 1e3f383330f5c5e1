"""The events of managed calendars: put, deleted, and deleted again where people have restored them."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from slotsync.domain.reservations.event import DesiredEvent, WrittenEvent
from slotsync.errors import CalendarMissing
from slotsync.google.events.calls import EventCalls
from slotsync.google.events.deletion import EventDeletion, NoteFound, OtherCalendars, ignore_found
from slotsync.google.events.event_write import EventWrite, always_wanted
from slotsync.google.requests import no_heartbeat
from slotsync.google.service import GoogleServices


class GoogleEvents:
    """The events of managed calendars. Every method may be repeated at any time.

    ``heartbeat`` is called before each call to Google. ``note_found``, where it is an argument, takes the calendars in
    which events were found, before they are deleted there: if that fails, the next attempt looks there first.
    """

    def __init__(self, services: GoogleServices, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._services = services
        self._heartbeat = heartbeat

    def put_event(  # noqa: PLR0913, PLR0917  the event, and how to search for others of it
        self,
        desired: DesiredEvent,
        known: WrittenEvent | None,
        get_managed: Callable[[], Iterable[str]] = tuple,
        is_wanted: Callable[[], bool] = always_wanted,
        left_in: Iterable[str] = (),
        note_found: NoteFound = ignore_found,
    ) -> WrittenEvent:
        """Write the event and return its state: with one call if ``known`` is right, else with a few.

        The result has a newer version than ``desired`` if a newer one was found; that event is not changed.
        ``get_managed`` returns the ids of the merchant's managed calendars, to which people may have moved the event.
        ``is_wanted`` is asked before an event that was deleted is created again, or one that may be newer is changed.
        ``left_in`` are calendars in which others of it are known to be.

        Raises:
            NotWanted: It was deleted, or seems newer, and nobody wants this any more.
            CalendarMissing: The calendar is deleted, or no longer ours.
            GoogleError: Another failure; repeating is safe.
        """
        others = self._others(desired.connection_id, desired.calendar_id, get_managed)
        calls = self._calls(desired.connection_id, desired.calendar_id)
        write = EventWrite(calls, desired, others, is_wanted, note_found)
        return write.run(known, left_in)

    def delete_event(  # noqa: PLR0913, PLR0917  the event, and how to search for others of it
        self,
        merchant: str,
        reservation: str,
        written: WrittenEvent,
        version: int,
        get_managed: Callable[[], Iterable[str]] = tuple,
        note_found: NoteFound = ignore_found,
    ) -> WrittenEvent:
        """Delete the event at ``version`` and return its state; an event with a newer version is kept.

        An empty etag in ``written`` means that it is unknown whether the event was created: it is searched for.
        ``get_managed`` returns the ids of the merchant's managed calendars, to which people may have moved the event.

        Raises:
            CalendarMissing: Google does not find the calendar, which is deleted or out of reach.
            GoogleError: The deletion failed; repeating is safe.
        """
        calls = self._calls(written.connection_id, written.calendar_id)
        others = self._others(written.connection_id, written.calendar_id, get_managed)
        deletion = EventDeletion(merchant, reservation, version, others, note_found)
        return deletion.delete(calls, written) if written.etag else deletion.delete_generations(calls, written)

    def delete_restored(  # noqa: PLR0913, PLR0917  the places, and what is to be deleted there
        self,
        merchant: str,
        reservation: str,
        version: int,
        connection_id: str,
        calendar_ids: Iterable[str],
        deleted: Iterable[WrittenEvent],
        note_found: NoteFound = ignore_found,
    ) -> Collection[str]:
        """Delete those of the deleted events that people have restored; an event with a newer version is kept.

        Takes one call for each of these calendars if they have restored none. Return the calendars out of reach.

        Raises:
            GoogleError: It failed; repeating is safe. A missing calendar is no failure, but an event's own one to which
                we may not write is.
        """
        deletion, own = EventDeletion(merchant, reservation, version, tuple, note_found), list(deleted)
        deletion.take_away(own, [self._calls(connection_id, each) for each in calendar_ids])
        for each in own:
            with suppress(CalendarMissing):
                deletion.require_searched(each.calendar_id)
        return deletion.out_of_reach.keys()

    def _others(self, connection_id: str, own: str, get_managed: Callable[[], Iterable[str]]) -> OtherCalendars:
        return lambda: [self._calls(connection_id, each) for each in get_managed() if each != own]

    def _calls(self, connection_id: str, calendar_id: str) -> EventCalls:
        return EventCalls(self._services.calendar(connection_id), calendar_id, self._heartbeat)
