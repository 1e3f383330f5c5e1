"""Writing events: each attempt is one look at Google and one note in the store."""

from temporalio import activity

from activities.call_notes import CallNotes
from activities.failures import told_to_temporal
from slotsync.errors import CalendarMissing
from slotsync.google.events import GoogleEvents
from slotsync.rules.event import WrittenEvent, about_to_create
from slotsync.rules.plan import Delete, Put
from slotsync.store import Calendars, Store, SyncedEvents


class EventActivities:
    """Puts and deletes events, and records what stands in Google since."""

    def __init__(self, store: Store, notes: CallNotes, google: GoogleEvents) -> None:
        self._calendars = Calendars(store)
        self._notes = notes
        self._events = SyncedEvents(store)
        self._google = google

    @activity.defn(no_thread_cancel_exception=True)
    def put_event(self, put: Put) -> WrittenEvent:
        """The event as it stands in Google now. Safe to repeat at any time, from anywhere."""
        event = put.event
        if unsure := about_to_create(event, put.known):
            # Should its answer be lost and a cancellation supersede it, somebody has to know what to delete.
            self._events.attempt(event.merchant, event.reservation, unsure, activity.info().started_time)
        with told_to_temporal(), self._notes.of(event.connection_id):
            try:
                written = self._google.put_event(event, put.known)
            except CalendarMissing:
                self._calendars.forget(event.merchant, event.key.owner, event.calendar_id)
                raise
        self._events.record(event.merchant, event.reservation, written, activity.info().started_time)
        return written

    @activity.defn(no_thread_cancel_exception=True)
    def delete_event(self, delete: Delete) -> WrittenEvent:
        """The event, now absent. One that was gone already, with its whole calendar perhaps, is fine."""
        written = delete.written
        with told_to_temporal(), self._notes.of(written.connection_id):
            gone = self._google.delete_event(delete.merchant, delete.reservation, written, delete.version)
        self._events.record(delete.merchant, delete.reservation, gone, activity.info().started_time)
        return gone
