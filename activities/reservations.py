"""Reservation activities: read the inputs of a round, record its result."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import activity

from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.domain.reservations.booked_time import booked_times
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.messages import RoundInputs, RoundRequest, RoundResult
from slotsync.domain.reservations.plan import items_by_key
from slotsync.domain.reservations.schedule import ends_at, time_zones
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents


class ReservationActivities:
    """Activities that read the inputs of a round, and record its result."""

    def __init__(self, store: Store) -> None:
        self._calendars = ManagedCalendars(store)
        self._reservations = Reservations(store)
        self._events = SyncedEvents(store)

    @activity.defn(name="prepare")
    def read_inputs(self, request: RoundRequest) -> RoundInputs:
        """Return the reservation's calendars and its events as last written, and record which events have to wait."""
        reservation, now = request.reservation, request.now
        applied = self._events.get_written(reservation.merchant, reservation.id)
        owners = dict.fromkeys((*reservation.owners, *(written.key.owner for written in applied)))
        calendars = self._calendars.get_calendars(reservation.merchant, list(owners))
        if not self._record_version(reservation, calendars, now):
            return RoundInputs(newest=False)
        if self._record_waiting(reservation, calendars, now):
            # Read again after the record: a calendar created in between looks for waiting events once it is stored,
            # so either this read finds the calendar, or that one finds the waiting events.
            calendars = self._calendars.get_calendars(reservation.merchant, list(owners))
        return RoundInputs(newest=True, calendars=tuple(calendars), applied=tuple(applied))

    @activity.defn(name="conclude")
    def record_result(self, result: RoundResult) -> None:
        """Record which events are in step and which are blocked, for the status and for operators."""
        for blocked in result.held:
            self._events.mark(
                result.merchant,
                result.reservation,
                blocked.key,
                SyncState(blocked.hold.health),
                result.now,
                error=blocked.hold.reason,
                desired_version=result.version,
            )
        if result.settled:
            self._reservations.settle(result.merchant, result.reservation, result.version, result.now)

    def _record_version(self, reservation: Reservation, calendars: Sequence[ManagedCalendar], now: datetime) -> bool:
        zones = time_zones(calendars)
        return self._reservations.record_version(
            reservation.merchant,
            reservation.id,
            reservation.version,
            reservation.status,
            ends_at(reservation, zones),
            now,
            booked_times(reservation, zones),
        )

    def _record_waiting(self, reservation: Reservation, calendars: Sequence[ManagedCalendar], now: datetime) -> bool:
        """Record the events that have to wait for a calendar or a connection, and return whether there are any."""
        states = {calendar.owner: _waiting_state(calendar) for calendar in calendars}
        waiting = [(key, state) for key in items_by_key(reservation) if (state := states[key.owner])]
        for key, state in waiting:
            self._events.mark(
                reservation.merchant, reservation.id, key, state, now, desired_version=reservation.version
            )
        return bool(waiting)


def _waiting_state(calendar: ManagedCalendar) -> SyncState | None:
    if not calendar.settings.sync:
        return SyncState.NOT_SYNCED
    if not calendar.connection_id:
        return SyncState.PARKED
    return None if calendar.calendar_id else SyncState.WAITING
