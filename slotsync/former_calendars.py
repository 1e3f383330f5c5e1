"""Former calendars: what stands in other calendars than its owner's, because people or accounts have changed."""

import logging
from contextlib import suppress
from datetime import datetime

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import WrittenEvent
from slotsync.errors import GoogleError, QuotaExhausted, RateLimited, Refused, Transient
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.calendars import CalendarContents, GoogleCalendars
from slotsync.google.events.writes import GoogleEvents
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.left_events import EventsByKey, LeftEventStore
from slotsync.store.reservations.returned_calendars import ReturnedCalendars
from slotsync.store.reservations.synced_events import SyncedEvents

logger = logging.getLogger(__name__)


class FormerCalendars:
    """Finds and deletes what stands in calendars that are out of reach now or were, and what was dragged elsewhere.

    Every method may be repeated at any time.
    """

    def __init__(
        self,
        store: Store,
        connections: Connections,
        returned: ReturnedCalendars,
        google: GoogleCalendars,
        google_events: GoogleEvents,
    ) -> None:
        self._connections = connections
        self._calendars = ManagedCalendars(store)
        self._events = SyncedEvents(store)
        self._left = LeftEventStore(store)
        self._returned = returned
        self._google = google
        self._google_events = google_events

    def stands_elsewhere(self, merchant: str, owner: Owner, calendar_id: str | None) -> bool:
        """Return whether events of the owner stand in other calendars than this one, or were left in any."""
        known = self._events.find_calendars(merchant, owner) - {calendar_id}
        return bool(known) or self._left.has_any(merchant, owner)

    def has_debts(self, merchant: str, owner: Owner) -> bool:
        """Return whether any event of the owner has to go from a calendar out of reach."""
        return self._left.has_debts(merchant, owner)

    def leave_all(self, merchant: str, owner: Owner, calendar_id: str | None, now: datetime) -> None:
        """Record that the owner's events in other calendars than this one are left there."""
        for former in self._events.find_calendars(merchant, owner) - {calendar_id}:
            self._events.mark_calendar_missing(merchant, former, now, missing=False)

    def delete_orphans(self, spec: CalendarSpec, calendar_id: str, found: EventsByKey) -> EventsByKey:
        """Delete what erased reservations have left in a calendar that is back; return what was found besides.

        Raises:
            GoogleError: Google failed; what is left then is looked for again.
        """
        orphans = self._left.find_orphans(spec.merchant, spec.owner, calendar_id)
        for (reservation, key), left in orphans.items():
            event = found.get((reservation, key))
            if event is None or self._delete(spec.merchant, reservation, event, left.version):
                self._left.forget_orphan(spec.merchant, reservation, left)
        return {key: each for key, each in found.items() if key not in orphans}

    def find_last(self, merchant: str, owner: Owner) -> list[str]:
        """Return the calendars that hold events of the owner as far as is known, the one that was its last one first.

        Nothing is left in the last one yet if its account was away so shortly that nothing was written elsewhere.
        """
        current = self._events.find_calendars(merchant, owner)
        return [*sorted(current), *self._left.get_calendars(merchant, owner)]

    def find_dragged(self, connection_id: str, calendar_id: str, spec: CalendarSpec) -> EventsByKey:
        """Return the owner's events that people have dragged from this calendar to others of the merchant."""
        found: EventsByKey = {}
        for other in {*self._calendars.get_ids(spec.merchant)} - {calendar_id}:
            found |= self._google.find_left_events(connection_id, other, spec) or {}
        return found

    def leave_dragged(self, connection_id: str, calendar_id: str, spec: CalendarSpec, now: datetime) -> None:
        """Record what people dragged to other calendars before the owner's was gone, in place of which this one is.

        To those that are out of reach they may have dragged anything.
        """
        gone = self._events.find_gone(spec.merchant, spec.owner)
        if not (gone or self._left.has_any(spec.merchant, spec.owner)):
            return
        for other in {*self._calendars.get_ids(spec.merchant)} - {calendar_id}:
            found = self._google.find_left_events(connection_id, other, spec)
            if found is None:
                found = {place: each.model_copy(update={"calendar_id": other}) for place, each in gone.items()}
            self._left.leave_all(spec.merchant, found, now)

    def delete_dragged(
        self, connection_id: str, calendar_id: str, spec: CalendarSpec, contents: CalendarContents
    ) -> None:
        """Delete what people have dragged to other calendars, if anything lacks in the owner's."""
        if not self._events.find_present(spec.merchant, calendar_id) - contents.own:
            return
        for (reservation, _), dragged in self.find_dragged(connection_id, calendar_id, spec).items():
            self._delete(spec.merchant, reservation, dragged, dragged.version)

    def clear(  # noqa: PLR0913  the calendars, when, and under which grant
        self,
        connection_id: str,
        spec: CalendarSpec,
        current: str | None,
        now: datetime,
        grant: int,
        *,
        whole: bool = False,
    ) -> None:
        """Delete what was left in other calendars than the ``current`` one that were out of reach, once they are back.

        With ``whole``, calendars go that have nothing else. What is not back for long is looked for no more. Nothing
        goes once there is another grant than the one with this number: of a former account that is back, a calendar
        that was left is perhaps the owner's again.

        Raises:
            GoogleError: Google failed; what is left then is looked for again.
        """
        self._events.leave_owed(spec.merchant, spec.owner, current, now)
        own = self._left.find_in_own_account(spec.merchant, spec.owner)
        for calendar_id, left in self._left.find(spec.merchant, spec.owner).items():
            if whole and self._delete_whole(connection_id, calendar_id, spec, grant):
                self._left.forget(spec.merchant, spec.owner, calendar_id)
                continue
            found = self._google.find_left_events(connection_id, calendar_id, spec)
            gone = found is None and calendar_id in own and not self._google.exists(connection_id, calendar_id)
            if not self._has_grant(spec.merchant, grant):
                return
            if gone:
                self._left.mark_missing(spec.merchant, spec.owner, calendar_id, now)
            elif found is not None and self._clear_one(spec.merchant, calendar_id, left, found, now):
                self._forget_left(spec, calendar_id, grant)
        self._left.settle_missing(spec.merchant, spec.owner, now)
        self._left.forget_missing(spec.merchant, spec.owner, now)

    def _forget_left(self, spec: CalendarSpec, calendar_id: str, grant: int) -> None:
        if self._has_grant(spec.merchant, grant):
            self._left.forget(spec.merchant, spec.owner, calendar_id)

    def _has_grant(self, merchant: str, number: int) -> bool:
        """Return whether what was asked of Google before was answered for the grant with this number."""
        return self._connections.get_grant_number(merchant) == number

    def _delete_whole(self, connection_id: str, calendar_id: str, spec: CalendarSpec, grant: int) -> bool:
        """Delete the calendar if it has nothing else; return whether it is gone: only its data owner can delete it."""
        contents = self._google.look_into(connection_id, calendar_id, spec)
        if contents is None or contents.has_others or not self._has_grant(spec.merchant, grant):
            return False
        with suppress(Refused):
            self._google.delete(connection_id, calendar_id)
        return not self._google.exists(connection_id, calendar_id)

    def _clear_one(self, merchant: str, calendar_id: str, left: EventsByKey, found: EventsByKey, now: datetime) -> bool:
        """Delete what is not newer than it was when it was left; return whether nothing remains to be done.

        People have added something to ``touched`` ones: the events that stand get that first.
        """
        old = {key: found[key] for key in left.keys() & found.keys() if not _is_newer(found[key], left[key])}
        touched = {key: each for key, each in old.items() if each.touched and self._stands(merchant, key[0], each)}
        sought = self._returned.carry_over(
            merchant, calendar_id, [(key[0], each) for key, each in touched.items()], now
        )
        done = [self._delete(merchant, key[0], old[key], left[key].version) for key in old.keys() - touched.keys()]
        return all(done) and not sought

    def _stands(self, merchant: str, reservation: str, left: WrittenEvent) -> bool:
        """Return whether the event stands in another calendar."""
        known = self._events.get_written_event(merchant, reservation, left.key)
        return known is not None and known.present and known.calendar_id != left.calendar_id

    def _delete(self, merchant: str, reservation: str, found: WrittenEvent, version: int) -> bool:
        """Delete an event; return false if Google refuses that: one that cannot be deleted holds up no other."""
        try:
            self._google_events.delete_event(merchant, reservation, found, version)
        except (QuotaExhausted, RateLimited, Transient):
            raise
        except GoogleError as error:
            logger.warning("an event of %s stays in a former calendar: %s", merchant, error.reason)
            return False
        return True


def _is_newer(found: WrittenEvent, left: WrittenEvent) -> bool:
    """Return whether it is newer than it was when it was left: in the first format nobody can say."""
    return found.version > left.version and not found.first_format
