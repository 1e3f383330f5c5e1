"""Event activities: write one event, and record it."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import activity

from activities.errors import google_errors_as_application_errors
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent, unsure
from slotsync.domain.reservations.messages import Delete, Put
from slotsync.errors import CalendarMissing, GoogleError
from slotsync.google.events.writes import GoogleEvents
from slotsync.store.calendars.managed_calendars import Calendars
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents


class EventActivities:
    """Puts and deletes events, and records what stands in Google since."""

    def __init__(self, store: Store, health: ConnectionHealth, google: GoogleEvents) -> None:
        self._calendars = Calendars(store)
        self._health = health
        self._events = SyncedEvents(store)
        self._google = google

    @activity.defn(no_thread_cancel_exception=True)
    def put_event(self, put: Put) -> WrittenEvent:
        """The event as it stands in Google now. Safe to repeat at any time, from anywhere."""
        event = put.event
        self._attempt(event.merchant, event.reservation, unsure(event, put.known))
        with self._noted(event.merchant, event.reservation, event.key, event.version, event.connection_id):
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
        merchant, reservation, written = delete.merchant, delete.reservation, delete.written
        self._attempt(merchant, reservation, written.model_copy(update={"version": delete.version, "fingerprint": ""}))
        with self._noted(merchant, reservation, written.key, delete.version, written.connection_id):
            gone = self._google.delete_event(merchant, reservation, written, delete.version)
        self._events.record(merchant, reservation, gone, activity.info().started_time)
        return gone

    def _attempt(self, merchant: str, reservation: str, unsure: WrittenEvent) -> None:
        """Notes the write before it is tried: its answer may be lost, and a newer snapshot supersede it."""
        self._events.attempt(merchant, reservation, unsure, activity.info().started_time)

    @contextmanager
    def _noted(
        self, merchant: str, reservation: str, key: EventKey, version: int, connection_id: str
    ) -> Iterator[None]:
        """Notes what Google refuses, for the status, and tells Temporal."""
        with google_errors_as_application_errors(), self._health.recording(connection_id):
            try:
                yield
            except GoogleError as error:
                now = activity.info().started_time
                self._events.mark(
                    merchant, reservation, key, SyncState.RETRYING, now, error=error.reason, desired_version=version
                )
                raise
