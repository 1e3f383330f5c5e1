"""Reservation activities: read the inputs of a round, record its result."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import activity

from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.domain.reservations.booked_time import booked_times
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.messages import RoundInputs, RoundRequest, RoundResult
from slotsync.domain.reservations.plan import keys_of
from slotsync.domain.reservations.schedule import ends_at, zones_of
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.store.calendars.managed_calendars import Calendars
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents


class ReservationActivities:
    """Reads the ground of a round, and notes how it ended."""

    def __init__(self, store: Store) -> None:
        self._calendars = Calendars(store)
        self._reservations = Reservations(store)
        self._events = SyncedEvents(store)

    @activity.defn
    def prepare(self, preparation: RoundRequest) -> RoundInputs:
        """The calendars that the reservation touches and its events as last written; notes what has to wait."""
        reservation, now = preparation.reservation, preparation.now
        applied = self._events.known(reservation.merchant, reservation.id)
        owners = dict.fromkeys((*reservation.owners, *(written.key.owner for written in applied)))
        calendars = self._calendars.of(reservation.merchant, list(owners))
        if not self._begin(reservation, calendars, now):
            return RoundInputs(newest=False)
        if self._note_waiting(reservation, calendars, now):
            # Looked at again after the note: a calendar made in between reads the notes after it was recorded,
            # so either this look finds the calendar or that one finds the note.
            calendars = self._calendars.of(reservation.merchant, list(owners))
        return RoundInputs(newest=True, calendars=tuple(calendars), applied=tuple(applied))

    @activity.defn
    def conclude(self, conclusion: RoundResult) -> None:
        """Notes what is in step and what is held up, for the status and for operators."""
        for held in conclusion.held:
            self._events.mark(
                conclusion.merchant,
                conclusion.reservation,
                held.key,
                SyncState(held.hold.health),
                conclusion.now,
                error=held.hold.reason,
                desired_version=conclusion.version,
            )
        if conclusion.settled:
            self._reservations.settle(conclusion.merchant, conclusion.reservation, conclusion.version, conclusion.now)

    def _begin(self, reservation: Reservation, calendars: Sequence[ManagedCalendar], now: datetime) -> bool:
        zones = zones_of(calendars)
        return self._reservations.begin(
            reservation.merchant,
            reservation.id,
            reservation.version,
            reservation.status,
            ends_at(reservation, zones),
            now,
            booked_times(reservation, zones),
        )

    def _note_waiting(self, reservation: Reservation, calendars: Sequence[ManagedCalendar], now: datetime) -> bool:
        """Notes the events that have to wait for a calendar or a connection; whether there are any."""
        states = {calendar.owner: _waits(calendar) for calendar in calendars}
        waiting = [(key, state) for key in keys_of(reservation) if (state := states[key.owner])]
        for key, state in waiting:
            self._events.mark(
                reservation.merchant, reservation.id, key, state, now, desired_version=reservation.version
            )
        return bool(waiting)


def _waits(calendar: ManagedCalendar) -> SyncState | None:
    if not calendar.settings.sync:
        return SyncState.NOT_SYNCED
    if not calendar.connection_id:
        return SyncState.PARKED
    return None if calendar.calendar_id else SyncState.WAITING
