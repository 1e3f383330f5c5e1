"""Permits to make calendars: counted in the database, so that all workers together keep to the limit."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.sql import func

from slotsync.rules.owner import Owner, OwnerKind
from slotsync.rules.reservation import ReservationStatus
from slotsync.rules.staging import WINDOW, Permit, Turn, turn_of
from slotsync.store.store import Store
from slotsync.store.tables import (
    CalendarPermitRow,
    ManagedCalendarRow,
    MerchantRow,
    OwnerRow,
    ReservationRow,
    SyncedEventRow,
)
from slotsync.store.upsert import table_of

_TABLE = table_of(CalendarPermitRow)
_MERCHANTS = table_of(MerchantRow)
_OWNERS = table_of(OwnerRow)
_MADE = table_of(ManagedCalendarRow)
_EVENTS = table_of(SyncedEventRow)
_RESERVATIONS = table_of(ReservationRow)

KEPT = timedelta(days=7)
"""How long permits are kept, for whoever asks why a calendar came late."""


class CalendarPermits:
    """Gives owners their turn. A merchant has one Google account, so it is counted by merchant."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take_turn(self, merchant: str, owner: Owner, now: datetime) -> Turn:
        """The owner's turn. When it is due, the owner holds a permit for it; asking again renews an unused one."""
        with self._store.write() as connection:
            # One at a time for each merchant; SQLite has one writer anyway.
            connection.execute(select(_MERCHANTS.c.id).filter_by(id=merchant).with_for_update())
            turn = turn_of(owner, _waiting(connection, merchant, now), _permits(connection, merchant, now), now)
            if turn.at <= now:
                _grant(connection, merchant, owner, now)
            return turn

    def of(self, merchant: str) -> list[Permit]:
        """The permits that were given to this merchant lately, oldest first."""
        with self._store.read() as session:
            return _read(session.connection(), merchant, None)


def _waiting(connection: Connection, merchant: str, now: datetime) -> dict[Owner, datetime | None]:
    """The synchronized owners without a calendar, each with the end of its soonest open reservation."""
    open_ones = (_RESERVATIONS.c.status != ReservationStatus.CANCELLED.value) & (_RESERVATIONS.c.ends_at > now)
    same_owner = (_EVENTS.c.merchant == merchant) & (_EVENTS.c.kind == _OWNERS.c.kind)
    same_reservation = (_RESERVATIONS.c.merchant == merchant) & (_RESERVATIONS.c.id == _EVENTS.c.reservation)
    query = (
        select(_OWNERS.c.kind, _OWNERS.c.id, func.min(_RESERVATIONS.c.ends_at))
        .select_from(_OWNERS)
        .outerjoin(_MADE)
        .outerjoin(_EVENTS, same_owner & (_EVENTS.c.owner_id == _OWNERS.c.id))
        .outerjoin(_RESERVATIONS, same_reservation & open_ones)
        .where(_OWNERS.c.merchant == merchant, _OWNERS.c.sync, _MADE.c.calendar_id.is_(None))
        .group_by(_OWNERS.c.kind, _OWNERS.c.id)
    )
    return {Owner(kind=OwnerKind(kind), id=name): needed for kind, name, needed in connection.execute(query)}


def _permits(connection: Connection, merchant: str, now: datetime) -> list[Permit]:
    return _read(connection, merchant, now - WINDOW)


def _read(connection: Connection, merchant: str, after: datetime | None) -> list[Permit]:
    query = select(_TABLE.c.kind, _TABLE.c.owner_id, _TABLE.c.since, _TABLE.c.calendar_id).filter_by(merchant=merchant)
    if after:
        query = query.where(_TABLE.c.since > after)
    return [
        Permit(owner=Owner(kind=OwnerKind(kind), id=name), since=since, used=calendar_id is not None)
        for kind, name, since, calendar_id in connection.execute(query.order_by(_TABLE.c.since))
    ]


def _grant(connection: Connection, merchant: str, owner: Owner, now: datetime) -> None:
    key = {"merchant": merchant, "kind": owner.kind.value, "owner_id": owner.id}
    connection.execute(delete(_TABLE).filter_by(**key, calendar_id=None))
    connection.execute(delete(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.since < now - KEPT))
    connection.execute(insert(_TABLE).values(**key, since=now))
