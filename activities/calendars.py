"""Managed calendar activities: look at the rows, create, update and delete in Google, record the result."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import google_errors_as_application_errors
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.calendars.creation_limit import QueuePosition
from slotsync.domain.calendars.messages import (
    CalendarRequest,
    CalendarResult,
    CalendarStop,
    CalendarView,
    PermitRequest,
    ViewRequest,
)
from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.domain.health import STOPPED_REASON
from slotsync.errors import GoogleError
from slotsync.former_calendars import FormerCalendars
from slotsync.google.calendar_marks import CalendarSpec, hash_identity
from slotsync.google.calendars import FindTaken, GoogleCalendars
from slotsync.google.events.writes import GoogleEvents
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.creation_permits import CalendarPermits
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.content_hashes import CALENDAR_MARKS, MerchantHashers
from slotsync.store.database.engine import Store
from slotsync.store.reservations.events_to_signal import EventsToSignal
from slotsync.store.reservations.returned_calendars import ReturnedCalendars
from slotsync.store.reservations.synced_events import SyncedEvents


class CalendarActivities:
    """Activities on a managed calendar, in Google and in the store."""

    def __init__(
        self, store: Store, vault: Vault, health: ConnectionHealth, google: GoogleCalendars, events: GoogleEvents
    ) -> None:
        self._calendars = ManagedCalendars(store)
        self._owners = Owners(store, AuditLog(store, vault))
        self._health = health
        self._permits = CalendarPermits(store)
        self._events = SyncedEvents(store)
        self._to_signal = EventsToSignal(store)
        self._returned = ReturnedCalendars(store, vault)
        self._connections = Connections(store, vault)
        self._former = FormerCalendars(store, self._connections, self._returned, google, events)
        self._google = google
        self._marks = MerchantHashers(store, vault, CALENDAR_MARKS)

    @activity.defn(no_thread_cancel_exception=True)
    def view_calendar(self, request: ViewRequest) -> CalendarView:
        """Return what is wanted of the owner's calendar, and what is done of it."""
        grant_number = self._connections.get_grant_number(request.merchant)
        calendar = self._read(request)
        intent = self._owners.get_intent(request.merchant, request.owner)
        if intent is None:
            return CalendarView(closing_reason=f"{request.owner} is not known")
        if intent.stopped_at:
            return CalendarView(closing_reason=STOPPED_REASON)
        shown = self._calendars.get_shown(request.merchant, request.owner)
        return CalendarView(
            sync=calendar.settings.sync,
            removing=calendar.removing,
            connection_id=calendar.connection_id,
            lacks_scope=calendar.lacks_scope,
            refusal=calendar.refusal,
            calendar_id=calendar.calendar_id,
            shown=shown == (calendar.settings.name, calendar.settings.time_zone),
            revision=intent.revision,
            applied_revision=intent.applied_revision,
            grant_number=grant_number,
            waiting=bool(self._to_signal.find(request.merchant, calendar, request.now, limit=1)),
            left=calendar.removing
            and self._former.stands_elsewhere(request.merchant, request.owner, calendar.calendar_id),
            owed=calendar.settings.sync and self._former.has_debts(request.merchant, request.owner),
        )

    @activity.defn(no_thread_cancel_exception=True)
    def record_calendar(self, result: CalendarResult) -> bool:
        """Record when the calendar is due again; return true if settings or grant have changed since the view."""
        recorded = self._owners.record_due(
            result.merchant, result.owner, result.revision, result.due_at, reason=result.reason
        )
        return not recorded or self._connections.get_grant_number(result.merchant) != result.grant_number

    @activity.defn(no_thread_cancel_exception=True)
    def record_calendar_stop(self, request: CalendarStop) -> None:
        """Record that an operator has stopped the calendar's workflow, unless the settings were changed meanwhile."""
        self._owners.stop(request.merchant, request.owner, request.now, revision=request.revision)

    @activity.defn(no_thread_cancel_exception=True)
    def request_permit(self, permit: PermitRequest) -> QueuePosition:
        """Return when the owner's calendar may be created; if that is now, the permit is valid for some minutes."""
        return self._permits.request(permit.merchant, permit.owner, permit.now)

    @activity.defn(no_thread_cancel_exception=True)
    def ensure_calendar(self, request: CalendarRequest) -> None:
        """Find the owner's calendar in Google by our mark or create it, and record it, and the events in it.

        What no reservation wants any more of a calendar that is back is deleted by the reservations' workflows.
        """
        calendar = self._read(request)
        if calendar.calendar_id:
            return
        with self._calling_google(request.merchant, calendar) as connection_id:
            spec = self._spec(request, calendar)
            preferred = self._former.find_last(request.merchant, request.owner)
            found = self._google.ensure(connection_id, spec, preferred, self._find_taken(request))
            if found.existed:
                marked = self._google.find_marked_events(connection_id, found.id, spec)
                events = self._former.delete_orphans(spec, found.id, marked)
                self._returned.adopt(request.merchant, request.owner, found.id, events, _started_at())
            else:
                self._former.leave_dragged(connection_id, found.id, spec, _started_at())
        self._calendars.record(request.merchant, request.owner, found.id, connection_id, found.time_zone)

    @activity.defn(no_thread_cancel_exception=True)
    def update_calendar(self, request: CalendarRequest) -> None:
        """Name the owner's calendar as the owner is named now; forget it if it was deleted in Google.

        Of former calendars that are back, what was left in them is deleted. If there is another grant by now, perhaps
        of another account, nothing follows from what Google has said: the workflow begins another round.
        """
        grant = self._connections.get_grant_number(request.merchant)
        calendar = self._read(request)
        if not calendar.calendar_id:
            return
        spec = self._spec(request, calendar)
        with self._calling_google(request.merchant, calendar) as connection_id:
            exists = self._google.update(connection_id, calendar.calendar_id, spec)
            with suppress(GoogleError):  # what was left long ago holds up nothing: it is tried again at the next look
                self._former.clear(connection_id, spec, calendar.calendar_id, _started_at(), grant)
        if self._connections.get_grant_number(request.merchant) != grant:
            return
        if exists:
            self._calendars.record_shown(
                request.merchant, request.owner, calendar.calendar_id, spec.name, spec.time_zone
            )
        else:
            self._calendars.forget(request.merchant, request.owner, calendar.calendar_id)
            self._events.mark_calendar_missing(request.merchant, calendar.calendar_id, _started_at())

    @activity.defn(no_thread_cancel_exception=True)
    def remove_duplicates(self, request: CalendarRequest) -> None:
        """Delete empty duplicates of the owner's calendar."""
        calendar = self._read(request)
        if calendar.calendar_id:
            with self._calling_google(request.merchant, calendar) as connection_id:
                spec, taken = self._spec(request, calendar), self._find_taken(request)
                self._google.remove_duplicates(connection_id, spec, calendar.calendar_id, taken)

    @activity.defn(no_thread_cancel_exception=True)
    def retire_calendar(self, request: CalendarRequest) -> None:
        """Delete the owner's calendar with our events. If it has other events, it stays.

        What stands in former calendars is deleted, too, once they are back.
        """
        grant = self._connections.get_grant_number(request.merchant)
        calendar = self._read(request)
        if not calendar.removing:
            return
        self._former.leave_all(request.merchant, request.owner, calendar.calendar_id, _started_at())
        with self._calling_google(request.merchant, calendar) as connection_id:
            spec = self._spec(request, calendar)
            if calendar.calendar_id:
                self._retire(connection_id, calendar.calendar_id, spec)
            self._former.clear(connection_id, spec, calendar.calendar_id, _started_at(), grant, whole=True)

    def _retire(self, connection_id: str, calendar_id: str, spec: CalendarSpec) -> None:
        contents = self._google.look_into(connection_id, calendar_id, spec)
        if contents and contents.has_others:
            return
        if contents is None:
            self._events.mark_calendar_missing(spec.merchant, calendar_id, _started_at())
        else:
            self._former.delete_dragged(connection_id, calendar_id, spec, contents)
            self._google.delete(connection_id, calendar_id)
            self._events.mark_calendar_deleted(spec.merchant, calendar_id, _started_at())
        self._calendars.forget(spec.merchant, spec.owner, calendar_id)

    def _read(self, request: CalendarRequest) -> ManagedCalendar:
        (calendar,) = self._calendars.get_calendars(request.merchant, [request.owner])
        return calendar

    def _spec(self, request: CalendarRequest, calendar: ManagedCalendar) -> CalendarSpec:
        merchant, owner, settings = request.merchant, request.owner, calendar.settings
        hasher, plain = self._marks.get_hasher(merchant), hash_identity(merchant, owner)
        return CalendarSpec(
            merchant=merchant,
            owner=owner,
            name=settings.name,
            time_zone=settings.time_zone,
            mark_hash=hasher.hash(plain) if hasher.is_keyed else "",
        )

    def _find_taken(self, request: CalendarRequest) -> FindTaken:
        return partial(self._calendars.filter_others, request.merchant, request.owner)

    @contextmanager
    def _calling_google(self, merchant: str, calendar: ManagedCalendar) -> Iterator[str]:
        """Yield the id of the merchant's connection, and raise Google's errors as Temporal's.

        Raises:
            ApplicationError: Google failed, or there is no connection any more, which is no success.
        """
        if not calendar.connection_id:
            kind = "ScopeMissing" if calendar.lacks_scope else "GrantLost"
            reason = calendar.connection_blocker.reason
            raise ApplicationError("no connection allows it", reason, type=kind, non_retryable=True)
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id, whole_call=True):
            try:
                yield calendar.connection_id
            except GoogleError as error:
                self._owners.record_reason(merchant, calendar.owner, error.reason)
                raise


def _started_at() -> datetime:
    return activity.info().started_time
