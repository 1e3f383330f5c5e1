"""Managed calendar activities: create, keep and delete."""

from temporalio import activity

from activities.errors import google_errors_as_application_errors
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.calendars.creation_limit import QueuePosition
from slotsync.domain.calendars.messages import CalendarRequest, OutOfStepPage, PermitRequest
from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.google.calendars import CalendarSpec, GoogleCalendars
from slotsync.store.calendars.creation_permits import CalendarPermits
from slotsync.store.calendars.managed_calendars import Calendars
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents

PAGE = 500
"""How many reservations are called in one activity."""


class CalendarActivities:
    """What a managed calendar's workflow does in Google and in the store."""

    def __init__(self, store: Store, health: ConnectionHealth, google: GoogleCalendars) -> None:
        self._calendars = Calendars(store)
        self._health = health
        self._permits = CalendarPermits(store)
        self._events = SyncedEvents(store)
        self._google = google

    @activity.defn
    def look_up_calendar(self, request: CalendarRequest) -> ManagedCalendar:
        """The owner's settings, its connection, and its calendar once there is one."""
        (calendar,) = self._calendars.of(request.merchant, [request.owner])
        return calendar

    @activity.defn(name="take_turn")
    def request_permit(self, asked: PermitRequest) -> QueuePosition:
        """When the owner's calendar may be made; if that is now, it may be made for some minutes."""
        return self._permits.request(asked.request.merchant, asked.request.owner, asked.now)

    @activity.defn
    def out_of_step_reservations(self, page: OutOfStepPage) -> list[str]:
        """The ids of the next open reservations that are out of step with this calendar, at most a page of them."""
        return self._events.out_of_step(page.merchant, page.calendar, page.now, limit=PAGE, after=page.after)

    @activity.defn(no_thread_cancel_exception=True)
    def ensure_calendar(self, request: CalendarRequest) -> str:
        """The id of the owner's calendar in Google: found by our mark, else created; recorded."""
        calendar = self.look_up_calendar(request)
        if calendar.calendar_id or not calendar.connection_id:
            return calendar.calendar_id or ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            found = self._google.ensure(calendar.connection_id, _spec(request, calendar))
        return self._calendars.record(request.merchant, request.owner, found, calendar.connection_id)

    @activity.defn(no_thread_cancel_exception=True)
    def keep_calendar(self, request: CalendarRequest) -> str:
        """The id of the owner's calendar, named as the owner is now; empty when somebody deleted it in Google."""
        calendar = self.look_up_calendar(request)
        if not calendar.calendar_id or not calendar.connection_id:
            return calendar.calendar_id or ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            kept = self._google.keep(calendar.connection_id, calendar.calendar_id, _spec(request, calendar))
        if not kept:
            self._calendars.forget(request.merchant, request.owner, calendar.calendar_id)
        return calendar.calendar_id if kept else ""

    @activity.defn(name="remove_twins", no_thread_cancel_exception=True)
    def remove_duplicates(self, request: CalendarRequest) -> str:
        """The id of the owner's calendar, of which no empty twin is left; empty when it has none."""
        calendar = self.look_up_calendar(request)
        if not calendar.calendar_id or not calendar.connection_id:
            return ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            self._google.remove_duplicates(calendar.connection_id, _spec(request, calendar), calendar.calendar_id)
        return calendar.calendar_id

    @activity.defn(no_thread_cancel_exception=True)
    def retire_calendar(self, request: CalendarRequest) -> str:
        """Deletes the owner's calendar with our events; its id if it stays, because somebody else's are in it."""
        calendar = self.look_up_calendar(request)
        if not (calendar.removing and calendar.calendar_id and calendar.connection_id):
            return calendar.calendar_id or ""
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id):
            if self._google.holds_foreign_events(calendar.connection_id, calendar.calendar_id):
                return calendar.calendar_id
            self._google.delete(calendar.connection_id, calendar.calendar_id)
        self._calendars.forget(request.merchant, request.owner, calendar.calendar_id)
        self._events.gone_with(request.merchant, calendar.calendar_id, activity.info().started_time)
        return ""


def _spec(request: CalendarRequest, calendar: ManagedCalendar) -> CalendarSpec:
    settings = calendar.settings
    return CalendarSpec(
        merchant=request.merchant, owner=request.owner, name=settings.name, time_zone=settings.time_zone
    )
