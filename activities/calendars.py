"""Managed calendar activities: create, update and delete."""

from temporalio import activity

from activities.errors import google_errors_as_application_errors
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.calendars.creation_limit import QueuePosition
from slotsync.domain.calendars.messages import CalendarRequest, OutOfStepPage, PermitRequest
from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.google.calendars import CalendarSpec, GoogleCalendars
from slotsync.store.calendars.creation_permits import CalendarPermits
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents

MAX_RESERVATIONS_PER_PAGE = 500
"""The most reservations that one activity signals."""


class CalendarActivities:
    """Activities on a managed calendar, in Google and in the store."""

    def __init__(self, store: Store, health: ConnectionHealth, google: GoogleCalendars) -> None:
        self._calendars = ManagedCalendars(store)
        self._health = health
        self._permits = CalendarPermits(store)
        self._events = SyncedEvents(store)
        self._google = google

    @activity.defn
    def look_up_calendar(self, request: CalendarRequest) -> ManagedCalendar:
        """Return the owner's settings, its connection, and its calendar once there is one."""
        (calendar,) = self._calendars.get_calendars(request.merchant, [request.owner])
        return calendar

    @activity.defn(name="take_turn")
    def request_permit(self, permit: PermitRequest) -> QueuePosition:
        """Return when the owner's calendar may be created; if that is now, the permit is valid for some minutes."""
        return self._permits.request(permit.request.merchant, permit.request.owner, permit.now)

    @activity.defn
    def out_of_step_reservations(self, page: OutOfStepPage) -> list[str]:
        """Return the ids of the next open reservations that are out of step with this calendar, at most a page."""
        return self._events.find_out_of_step(
            page.merchant, page.calendar, page.now, limit=MAX_RESERVATIONS_PER_PAGE, after=page.after
        )

    @activity.defn(no_thread_cancel_exception=True)
    def ensure_calendar(self, request: CalendarRequest) -> str:
        """Return the id of the owner's calendar in Google: find it by our mark or create it, and record it."""
        calendar = self.look_up_calendar(request)
        if calendar.calendar_id or not calendar.connection_id:
            return calendar.calendar_id or ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            found = self._google.ensure(calendar.connection_id, _spec(request, calendar))
        return self._calendars.record(request.merchant, request.owner, found, calendar.connection_id)

    @activity.defn(name="keep_calendar", no_thread_cancel_exception=True)
    def update_calendar(self, request: CalendarRequest) -> str:
        """Name the owner's calendar as the owner is named now, and return its id, or "" if it was deleted in Google."""
        calendar = self.look_up_calendar(request)
        if not calendar.calendar_id or not calendar.connection_id:
            return calendar.calendar_id or ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            exists = self._google.update(calendar.connection_id, calendar.calendar_id, _spec(request, calendar))
        if not exists:
            self._calendars.forget(request.merchant, request.owner, calendar.calendar_id)
        return calendar.calendar_id if exists else ""

    @activity.defn(name="remove_twins", no_thread_cancel_exception=True)
    def remove_duplicates(self, request: CalendarRequest) -> str:
        """Delete empty duplicates of the owner's calendar, and return its id, or "" if it has none."""
        calendar = self.look_up_calendar(request)
        if not calendar.calendar_id or not calendar.connection_id:
            return ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            self._google.remove_duplicates(calendar.connection_id, _spec(request, calendar), calendar.calendar_id)
        return calendar.calendar_id

    @activity.defn(no_thread_cancel_exception=True)
    def retire_calendar(self, request: CalendarRequest) -> str:
        """Delete the owner's calendar with our events, and return "".

        If the calendar has events that are not ours, it stays, and its id is returned.
        """
        calendar = self.look_up_calendar(request)
        if not (calendar.removing and calendar.calendar_id and calendar.connection_id):
            return calendar.calendar_id or ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            if self._google.has_foreign_events(calendar.connection_id, calendar.calendar_id):
                return calendar.calendar_id
            self._google.delete(calendar.connection_id, calendar.calendar_id)
        self._calendars.forget(request.merchant, request.owner, calendar.calendar_id)
        self._events.mark_calendar_deleted(request.merchant, calendar.calendar_id, activity.info().started_time)
        return ""


def _spec(request: CalendarRequest, calendar: ManagedCalendar) -> CalendarSpec:
    settings = calendar.settings
    return CalendarSpec(
        merchant=request.merchant, owner=request.owner, name=settings.name, time_zone=settings.time_zone
    )
