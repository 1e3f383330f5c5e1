"""Event activities: write one event as the newest snapshot wants it, and record it."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import google_errors_as_application_errors
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.health import NO_CALENDAR, NO_SCOPE, UNKNOWN_OWNER, Blocker
from slotsync.domain.reservations.event import DesiredEvent, EventKey, SyncState, WrittenEvent, uncertain_event
from slotsync.domain.reservations.messages import EventRequest, WriteResult
from slotsync.domain.reservations.plan import Action, Delete, LeftKeys, LookForRestored, Put, plan_event
from slotsync.errors import CalendarMissing, GoogleError
from slotsync.google.events.deletion import mark_deleted
from slotsync.google.events.event_write import NotWanted
from slotsync.google.events.writes import GoogleEvents
from slotsync.secrets import Vault
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.content_hashes import Fingerprints
from slotsync.store.database.engine import Store
from slotsync.store.reservations.left_events import LeftEventStore
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents

_KINDS = {
    NO_CALENDAR.reason: "CalendarMissing",
    NO_SCOPE.reason: "ScopeMissing",
    UNKNOWN_OWNER.reason: "CalendarMissing",
}
"""The types of the errors for what came between plan and write, by the blocker's reason; others are about the grant."""


class EventActivities:
    """Activities that put and delete events, and record what is in Google since.

    Each reads the newest snapshot when it runs. If that no longer wants the write, nothing is done: the next round
    plans anew.
    """

    def __init__(self, store: Store, vault: Vault, health: ConnectionHealth, google: GoogleEvents) -> None:
        self._calendars = ManagedCalendars(store)
        self._health = health
        self._events = SyncedEvents(store)
        self._fingerprints = Fingerprints(store, vault)
        self._google = google
        self._left = LeftEventStore(store)
        self._reservations = Reservations(store, vault)

    @activity.defn(no_thread_cancel_exception=True)
    def put_event(self, request: EventRequest) -> WriteResult:
        """Write the event, and return the version that Google shows. Safe to repeat at any time, on any worker."""
        put = self._plan(request)
        if not isinstance(put, Put):
            return WriteResult(version=request.version, changed=False)
        if put.left:
            self._leave(request, put.left, missing=False)
        event, attempt = put.event, uncertain_event(put.event, put.known)
        self._record_attempt(request, attempt)
        managed, is_wanted = partial(self._get_managed, request), partial(self._is_wanted, request, event)
        note_found = partial(self._events.add_place, request.merchant, request.reservation)
        with self._recording(request, event.version, event.connection_id):
            try:
                left = self._find_left(request, put)
                written = self._google.put_event(event, put.known, managed, is_wanted, left, note_found)
                if written.generation > attempt.generation and not is_wanted():
                    # Deleted after the last look, by a workflow that does not know of this creation.
                    written = self._google.delete_event(
                        request.merchant, request.reservation, written, event.version, managed, note_found
                    )
            except CalendarMissing:
                self._forget_calendar(event)
                raise
            except NotWanted:
                return WriteResult(version=request.version, changed=False)
        self._leave_duplicates(request, put.known, written)
        result = self._record(request, written)
        if written.duplicates_in and request.key in self._get_left(request).doubled:
            self._mark(request, SyncState.TO_DELETE, event.version)
        return result

    @activity.defn(no_thread_cancel_exception=True)
    def delete_event(self, request: EventRequest) -> WriteResult:
        """Delete the event. It may have been deleted already, with its calendar for example."""
        delete = self._plan(request)
        if not isinstance(delete, Delete):
            return WriteResult(version=request.version, changed=False)
        written = delete.written.model_copy(update={"connection_id": delete.connection_id})
        self._record_attempt(request, written.model_copy(update={"version": delete.version, "fingerprint": ""}))
        with self._recording(request, delete.version, delete.connection_id):
            managed = partial(self._get_managed, request)
            note_found = partial(self._events.add_place, request.merchant, request.reservation)
            try:
                gone = self._google.delete_event(
                    request.merchant, request.reservation, written, delete.version, managed, note_found
                )
            except CalendarMissing:  # deleted with its events, as far as Google says
                gone = mark_deleted(written, delete.version)
                self._leave(request, gone, missing=True)
                self._calendars.doubt(request.merchant, written.calendar_id, activity.info().started_time)
            else:
                self._left.forget_deleted(request.merchant, request.reservation, gone)
        self._leave_duplicates(request, written, gone)
        level = {} if gone.present else {"guest_data": delete.last_level}
        result = self._record(request, gone.model_copy(update=level))
        if not gone.present and request.key in self._get_left(request).owed:
            self._mark(request, SyncState.TO_DELETE, delete.version)  # one stands in a calendar out of reach, too
        elif not gone.present and delete.owner_unknown:
            self._mark(request, SyncState.UNKNOWN_PRODUCT, delete.version)
        return result

    @activity.defn(no_thread_cancel_exception=True)
    def delete_restored(self, request: EventRequest) -> WriteResult:
        """Delete the events of the same owner that people have restored after slotsync deleted them."""
        look = self._plan(request)
        if not isinstance(look, LookForRestored):
            return WriteResult(version=request.version, changed=False)
        known = self._events.get_deleted(request.merchant, request.reservation, request.key.owner)
        deleted = [each for each in known if each.key not in look.wanted]
        places = self._get_places(request, look, deleted)
        with self._recording(request, look.version, look.connection_id):
            unsearched = self._google.delete_restored(
                request.merchant,
                request.reservation,
                look.version,
                look.connection_id,
                places,
                deleted,
                partial(self._events.add_place, request.merchant, request.reservation),
            )
        for each in deleted:
            self._forget_searched(request, each.key, {*places} - {*unsearched})
        self._events.record_look(
            request.merchant, request.reservation, request.key.owner, look.version, look.guest_data
        )
        return WriteResult(version=look.version)

    def _get_places(
        self, request: EventRequest, look: LookForRestored, deleted: Iterable[WrittenEvent]
    ) -> Collection[str]:
        """Return the calendars in which deleted events are looked for."""
        if look.everywhere:
            return self._get_managed(request, *(each.key for each in deleted))
        return {each.calendar_id for each in deleted}

    def _is_wanted(self, request: EventRequest, event: DesiredEvent) -> bool:
        """Return whether the newest snapshot is still the one with this event, in the same calendar."""
        step = self._plan_from(request, None)
        return isinstance(step, Put) and (step.event.version, step.event.calendar_id) == (
            event.version,
            event.calendar_id,
        )

    def _find_left(self, request: EventRequest, put: Put) -> set[str]:
        """Return the managed calendars in which others of an event were left that is new in its calendar.

        It is new until its creation has ended well: an attempt may have failed at one of the others after it.
        """
        if put.known and put.known.etag:
            return set()
        left = self._left.get_places(request.merchant, request.reservation, request.key)
        return {*left} & {*self._calendars.get_ids(request.merchant)} if left else set()

    def _get_managed(self, request: EventRequest, *keys: EventKey) -> list[str]:
        """Return the calendars in which duplicates of these events may be: those of now, and former ones."""
        get_places = partial(self._left.get_places, request.merchant, request.reservation)
        left = [calendar_id for key in keys or (request.key,) for calendar_id in get_places(key)]
        return [*dict.fromkeys((*self._calendars.get_ids(request.merchant), *left))]

    def _forget_calendar(self, event: DesiredEvent) -> None:
        self._calendars.forget(event.merchant, event.key.owner, event.calendar_id)
        self._events.mark_calendar_missing(event.merchant, event.calendar_id, activity.info().started_time)

    def _leave(self, request: EventRequest, written: WrittenEvent, *, missing: bool, owed: bool = False) -> None:
        now = activity.info().started_time
        self._left.leave(request.merchant, request.reservation, written, now, missing=missing, owed=owed)

    def _leave_duplicates(self, request: EventRequest, before: WrittenEvent | None, after: WrittenEvent) -> None:
        """Remember the other calendars in which one may be, since they were out of reach: they are looked at later.

        Of an event that stands, what is older has to go: people may drag the newest there, too. It is owed as long as
        the calendar counts as another owner's.
        """
        if before and before.duplicates_in:
            self._forget_searched(request, request.key, {*before.duplicates_in} - {*after.unsearched})
        if not after.unsearched:
            return
        version = after.version - 1 if after.present else after.version
        managed = {*self._calendars.get_ids(request.merchant)}
        known = {*self._left.get_places(request.merchant, request.reservation, request.key)}
        for calendar_id in {*after.unsearched} & managed - known:
            self._calendars.doubt(request.merchant, calendar_id, activity.info().started_time)
        for calendar_id in {*after.unsearched} - {*(known - managed), after.calendar_id}:
            place = after.model_copy(update={"calendar_id": calendar_id, "version": version})
            self._leave(request, place, missing=True, owed=calendar_id in managed)

    def _forget_searched(self, request: EventRequest, key: EventKey, calendar_ids: Iterable[str]) -> None:
        self._left.forget_searched(request.merchant, request.reservation, key, calendar_ids)

    def _get_left(self, request: EventRequest) -> LeftKeys:
        return self._left.get_keys(request.merchant, request.reservation)

    def _plan(self, request: EventRequest) -> Action | None:
        """Return what the newest snapshot wants to be done to the event, None if it is right as it is.

        Raises:
            ApplicationError: the calendar or the connection is missing by now.
        """
        return self._plan_from(
            request, self._events.get_written_event(request.merchant, request.reservation, request.key)
        )

    def _plan_from(self, request: EventRequest, known: WrittenEvent | None) -> Action | None:
        desired = self._reservations.get_snapshot(request.merchant, request.reservation)
        if desired is None:
            return None
        (calendar,) = self._calendars.get_calendars(request.merchant, [request.key.owner])
        hasher = self._fingerprints.get_hasher(request.merchant)
        step = plan_event(desired, request.key, calendar, known, hasher)
        if isinstance(step, Blocker):
            kind = _KINDS.get(step.reason, "GrantLost")
            raise ApplicationError("it cannot be written now", step.reason, type=kind, non_retryable=True)
        return step

    def _record_attempt(self, request: EventRequest, event: WrittenEvent) -> None:
        """Record the write before it is tried: its answer may be lost, and a newer snapshot may supersede it."""
        self._events.record_attempt(request.merchant, request.reservation, event, activity.info().started_time)

    def _record(self, request: EventRequest, written: WrittenEvent) -> WriteResult:
        """Record what Google shows. The mark of a newer version may have a plain fingerprint still."""
        fingerprint = self._fingerprints.hash(request.merchant, written.fingerprint)
        recorded = written.model_copy(update={"fingerprint": fingerprint})
        self._events.record(request.merchant, request.reservation, recorded, activity.info().started_time)
        return WriteResult(version=written.version)

    @contextmanager
    def _recording(self, request: EventRequest, version: int, connection_id: str) -> Iterator[None]:
        """Record an error of Google's in the event's status, and raise it as Temporal's."""
        with google_errors_as_application_errors(), self._health.recording(connection_id, whole_call=True):
            try:
                yield
            except GoogleError as error:
                self._mark(request, SyncState.RETRYING, version, error.reason)
                raise

    def _mark(self, request: EventRequest, state: SyncState, version: int, error: str | None = None) -> None:
        self._events.mark(
            request.merchant,
            request.reservation,
            request.key,
            state,
            activity.info().started_time,
            error=error,
            desired_version=version,
        )
