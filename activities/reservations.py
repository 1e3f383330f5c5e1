"""What a reservation's workflow needs from the store, before and after each round."""

from datetime import datetime

from temporalio import activity

from slotsync.rules.event import EventKey, WrittenEvent
from slotsync.rules.holding import Hold
from slotsync.rules.message import Message
from slotsync.rules.owner import ManagedCalendar
from slotsync.rules.reservation import Reservation
from slotsync.rules.timing import ends_at, zones_of
from slotsync.store import Calendars, Reservations, Store, SyncedEvents


class Preparation(Message):
    """The state that is about to be driven for."""

    reservation: Reservation
    now: datetime


class Ground(Message):
    """What a round stands on. ``newest`` is false when a newer version is known: then there is nothing to do."""

    newest: bool
    calendars: tuple[ManagedCalendar, ...] = ()
    applied: tuple[WrittenEvent, ...] = ()


class HeldEvent(Message):
    """An event that could not be brought in step."""

    key: EventKey
    hold: Hold


class Conclusion(Message):
    """How a round ended."""

    merchant: str
    reservation: str
    version: int
    held: tuple[HeldEvent, ...]
    settled: bool
    now: datetime


class ReservationActivities:
    """Reads the ground of a round, and notes how it ended."""

    def __init__(self, store: Store) -> None:
        self._calendars = Calendars(store)
        self._reservations = Reservations(store)
        self._events = SyncedEvents(store)

    @activity.defn
    def prepare(self, preparation: Preparation) -> Ground:
        """The calendars that the reservation touches and its events as last written; notes what has to wait."""
        reservation, now = preparation.reservation, preparation.now
        applied = self._events.known(reservation.merchant, reservation.id)
        owners = dict.fromkeys((*reservation.owners, *(written.key.owner for written in applied)))
        calendars = self._calendars.of(reservation.merchant, list(owners))
        if not self._begin(reservation, calendars, now):
            return Ground(newest=False)
        if self._note_waiting(reservation, calendars, now):
            # Looked at again after the note: a calendar made in between reads the notes after it was recorded,
            # so either this look finds the calendar or that one finds the note.
            calendars = self._calendars.of(reservation.merchant, list(owners))
        return Ground(newest=True, calendars=tuple(calendars), applied=tuple(applied))

    @activity.defn
    def conclude(self, conclusion: Conclusion) -> None:
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
            self._reservations.settle(
                conclusion.merchant, conclusion.reservation, conclusion.version, conclusion.now
            )
