"""The reservations that a calendar's workflow signals, by the states of their events."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, false, func, or_
from sqlmodel import select
from sqlmodel.sql.expression import SelectOfScalar

from slotsync.domain.calendars.owner import GuestData, ManagedCalendar
from slotsync.domain.reservations.event import SyncState
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SAME_RESERVATION, is_open, is_owned_by
from slotsync.store.tables.reservations import LeftEventRow, ReservationRow, SyncedEventRow

_LEFT = table_of(LeftEventRow)
_TABLE = table_of(SyncedEventRow)


class EventsToSignal:
    """Finds the reservations with events that wait for a calendar, or that are wrong in it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(  # noqa: PLR0913  the calendar, and which page of which reservations
        self,
        merchant: str,
        calendar: ManagedCalendar,
        now: datetime,
        *,
        all_open: bool = False,
        limit: int,
        after: str = "",
    ) -> list[str]:
        """Return the next ids, in order, of reservations that wait for this calendar, or are wrong in it.

        With ``all_open`` all open ones are returned, and those with events of another level of guest data.
        """
        query = _select_to_signal(merchant, calendar, now, all_open=all_open).where(_TABLE.c.reservation > after)
        with self._store.read() as session:
            return list(session.exec(query.order_by(_TABLE.c.reservation).limit(limit)))

    def count(self, merchant: str, calendar: ManagedCalendar, now: datetime, *, all_open: bool) -> int:
        """Return how many reservations ``find`` finds in all."""
        query = _select_to_signal(merchant, calendar, now, all_open=all_open)
        with self._store.read() as session:
            return session.exec(select(func.count()).select_from(query.subquery())).one()


def _select_to_signal(
    merchant: str, calendar: ManagedCalendar, now: datetime, *, all_open: bool
) -> SelectOfScalar[str]:
    waiting = _TABLE.c.state.in_((SyncState.WAITING.value, SyncState.UNKNOWN_PRODUCT.value))
    # What is in Google is wrong there also after its end: if it was changed meanwhile, or is to be removed.
    wrong_now = and_(or_(is_open(now), _TABLE.c.present), _is_wrong_in(calendar))
    debts = or_(_is_payable(calendar), _is_paid(calendar, now), _is_left(calendar))
    unlooked = or_(_is_unlooked(calendar), _shows_more(calendar))
    wrong = or_(waiting, debts, _is_elsewhere(calendar), unlooked, wrong_now)
    if all_open:
        wrong = or_(wrong, is_open(now), _is_of_another_level(calendar))
    query = select(SyncedEventRow.reservation).join(ReservationRow, SAME_RESERVATION)
    return query.where(is_owned_by(merchant, calendar.owner), wrong).distinct()


def _is_payable(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Return the condition for events that have to go, and are in reach again."""
    if not (calendar.settings.sync or calendar.removing):
        return false()
    in_it = and_(_TABLE.c.present, _TABLE.c.calendar_id == calendar.calendar_id)
    return and_(_TABLE.c.state == SyncState.TO_DELETE.value, in_it)


def _is_paid(calendar: ManagedCalendar, now: datetime) -> ColumnElement[bool]:
    """Return the condition for events that had to go and went with the calendar: their reservations are due."""
    if not calendar.removing:
        return false()
    return and_(_TABLE.c.state == SyncState.DELETED.value, table_of(ReservationRow).c.due_at <= now)


def _is_left(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Return the condition for events that seemed deleted with their calendar, for which nobody looks any more."""
    if calendar.settings.sync or calendar.removing:
        return false()
    names = ("merchant", "reservation", "item", "kind", "owner_id")
    own = and_(*(_LEFT.c[name] == _TABLE.c[name] for name in names))
    return and_(_TABLE.c.state == SyncState.DELETED.value, exists().where(own))


def _is_unlooked(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Return the condition for deleted events that were not looked for at the newest version: sync was off."""
    if not calendar.settings.sync:
        return false()
    deleted = and_(_TABLE.c.state == SyncState.DELETED.value, _TABLE.c.calendar_id == calendar.calendar_id)
    return and_(deleted, _TABLE.c.written_version < table_of(ReservationRow).c.version)


def _is_elsewhere(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Return the condition for wanted events in an earlier calendar, also of reservations that are over."""
    if not calendar.settings.sync:
        return false()
    elsewhere = and_(_TABLE.c.present, _TABLE.c.calendar_id != calendar.calendar_id)
    return and_(elsewhere, _TABLE.c.state != SyncState.TO_DELETE.value)


def _is_wrong_in(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Return the condition for events left out while sync was off, or still to be removed."""
    if calendar.settings.sync:
        return _TABLE.c.state == SyncState.NOT_SYNCED.value
    return _TABLE.c.present if calendar.removing else false()


def _shows_more(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Return the condition for deleted events that showed more than they may: people may have restored them.

    Also if the level was lowered while there was no grant to look with, or their calendar is gone by now.
    """
    if not (calendar.settings.sync and calendar.connection_id):
        return false()
    higher = [each.value for each in GuestData if calendar.settings.guest_data.shows_less_than(each)]
    return and_(_TABLE.c.state == SyncState.DELETED.value, _TABLE.c.guest_data.in_(higher))


def _is_of_another_level(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Return the condition for events that were written at another level of guest data, also long ago."""
    if not calendar.settings.sync:
        return false()
    return and_(_TABLE.c.present, _TABLE.c.guest_data.is_distinct_from(calendar.settings.guest_data.value))
