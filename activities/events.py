"""Event activities: write one event, and record it."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import activity

from activities.errors import google_errors_as_application_errors
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent, uncertain_event
from slotsync.domain.reservations.messages import Delete, Put
from slotsync.errors import CalendarMissing, GoogleError
from slotsync.google.events.writes import GoogleEvents
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents


class EventActivities:
    """Activities that put and delete events, and record what is in Google since."""

    def __init__(self, store: Store, health: ConnectionHealth, google: GoogleEvents) -> None:
        self._calendars = ManagedCalendars(store)
        self._health = health
        self._events = SyncedEvents(store)
        self._google = google

    @activity.defn(no_thread_cancel_exception=True)
    def put_event(self, put: Put) -> WrittenEvent:
        """Write the event and return it as it is in Google now. Safe to repeat at any time, on any worker."""
        event = put.event
        self._record_attempt(event.merchant, event.reservation, uncertain_event(event, put.known))
        with self._recording(event.merchant, event.reservation, event.key, event.version, event.connection_id):
            try:
                written = self._google.put_event(event, put.known)
            except CalendarMissing:
                self._calendars.forget(event.merchant, event.key.owner, event.calendar_id)
                raise
        self._events.record(event.merchant, event.reservation, written, activity.info().started_time)
        return written

    @activity.defn(no_thread_cancel_exception=True)
    def delete_event(self, delete: Delete) -> WrittenEvent:
        """Delete the event and return it as absent. It may have been deleted already, with its calendar for example."""
        merchant, reservation, written = delete.merchant, delete.reservation, delete.written
        self._record_attempt(
            merchant, reservation, written.model_copy(update={"version": delete.version, "fingerprint": ""})
        )
        with self._recording(merchant, reservation, written.key, delete.version, written.connection_id):
            gone = self._google.delete_event(merchant, reservation, written, delete.version)
        self._events.record(merchant, reservation, gone, activity.info().started_time)
        return gone

    def _record_attempt(self, merchant: str, reservation: str, event: WrittenEvent) -> None:
        """Record the write before it is tried: its answer may be lost, and a newer snapshot may supersede it."""
        self._events.record_attempt(merchant, reservation, event, activity.info().started_time)

    @contextmanager
    def _recording(
        self, merchant: str, reservation: str, key: EventKey, version: int, connection_id: str
    ) -> Iterator[None]:
        """Record an error of Google's in the event's status, and raise it as Temporal's."""
        with google_errors_as_application_errors(), self._health.recording(connection_id):
            try:
                yield
            except GoogleError as error:
                now = activity.info().started_time
                self._events.mark(
                    merchant, reservation, key, SyncState.RETRYING, now, error=error.reason, desired_version=version
                )
                raise
