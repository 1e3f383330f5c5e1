"""Permits to create calendars, counted for each Google account."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, delete, insert, or_, select, update
from sqlalchemy.sql import func

from slotsync.domain.calendars.creation_limit import PERMIT_COUNT_WINDOW, Permit, QueuePosition, queue_position
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import CalendarPermitRow, ManagedCalendarRow, MerchantRow, OwnerRow
from slotsync.store.tables.connections import ConnectionRow
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow

_TABLE = table_of(CalendarPermitRow)
_CONNECTIONS = table_of(ConnectionRow)
_MERCHANTS = table_of(MerchantRow)
_OWNERS = table_of(OwnerRow)
_CALENDARS = table_of(ManagedCalendarRow)
_EVENTS = table_of(SyncedEventRow)
_RESERVATIONS = table_of(ReservationRow)

PERMIT_RETENTION = timedelta(days=7)
"""The time for which permits are kept, so that an operator can find out why a calendar came late."""


class CalendarPermits:
    """Grants permits to owners. Merchants that connected the same Google account share its limit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def request(self, merchant: str, owner: Owner, now: datetime) -> QueuePosition:
        """Return the owner's position, and grant a permit if it is due; a new request renews an unused permit."""
        with self._store.write() as connection:
            _lock_account(connection, merchant)
            waiting, permits = (
                _waiting(connection, merchant, now),
                _read(connection, merchant, now - PERMIT_COUNT_WINDOW),
            )
            position = queue_position(
                owner, waiting, permits, now, _elsewhere(connection, merchant, now - PERMIT_COUNT_WINDOW)
            )
            if position.at <= now:
                _grant(connection, merchant, owner, now)
            return position

    def get_permits(self, merchant: str) -> list[Permit]:
        """Return the permits that were granted to this merchant lately, oldest first."""
        with self._store.read() as session:
            return _read(session.connection(), merchant, None)


def _lock_account(connection: Connection, merchant: str) -> None:
    """Lock the merchants that share the account, always in the same order. SQLite has one writer anyway."""
    sharing = or_(_MERCHANTS.c.id == merchant, _MERCHANTS.c.id.in_(_sharing(merchant)))
    locked = select(_MERCHANTS.c.id).where(sharing).order_by(_MERCHANTS.c.id)
    connection.execute(locked.with_for_update(key_share=True)).all()


def _sharing(merchant: str) -> Select[tuple[str]]:
    """Return a query for the merchants with this one's account, itself included; none if it has no known account."""
    account = select(_CONNECTIONS.c.account_key).filter_by(merchant=merchant).scalar_subquery()
    return select(_CONNECTIONS.c.merchant).where(_CONNECTIONS.c.account_key == account)


def _elsewhere(connection: Connection, merchant: str, after: datetime) -> list[datetime]:
    """Return since when other merchants have their permits for the account."""
    others = (_TABLE.c.merchant != merchant, _TABLE.c.merchant.in_(_sharing(merchant)))
    return [*connection.execute(select(_TABLE.c.since).where(*others, _TABLE.c.since > after)).scalars()]


def _waiting(connection: Connection, merchant: str, now: datetime) -> dict[Owner, datetime | None]:
    """Return the synchronized owners without a calendar, each with the end of its soonest open reservation.

    The end is None if no open reservation needs the owner.
    """
    open_ones = (_RESERVATIONS.c.status != ReservationStatus.CANCELLED.value) & (_RESERVATIONS.c.ends_at > now)
    same_owner = (_EVENTS.c.merchant == merchant) & (_EVENTS.c.kind == _OWNERS.c.kind)
    same_reservation = (_RESERVATIONS.c.merchant == merchant) & (_RESERVATIONS.c.id == _EVENTS.c.reservation)
    query = (
        select(_OWNERS.c.kind, _OWNERS.c.id, func.min(_RESERVATIONS.c.ends_at))
        .select_from(_OWNERS)
        .outerjoin(_CALENDARS)
        .outerjoin(_EVENTS, same_owner & (_EVENTS.c.owner_id == _OWNERS.c.id))
        .outerjoin(_RESERVATIONS, same_reservation & open_ones)
        .where(_OWNERS.c.merchant == merchant, _OWNERS.c.sync, _CALENDARS.c.calendar_id.is_(None))
        .group_by(_OWNERS.c.kind, _OWNERS.c.id)
    )
    return {Owner(kind=OwnerKind(kind), id=name): needed for kind, name, needed in connection.execute(query)}


def _read(connection: Connection, merchant: str, after: datetime | None) -> list[Permit]:
    query = select(_TABLE.c.kind, _TABLE.c.owner_id, _TABLE.c.since, _TABLE.c.calendar_id).filter_by(merchant=merchant)
    if after:
        query = query.where(_TABLE.c.since > after)
    return [
        Permit(owner=Owner(kind=OwnerKind(kind), id=name), since=since, used=calendar_id is not None)
        for kind, name, since, calendar_id in connection.execute(query.order_by(_TABLE.c.since))
    ]


def _grant(connection: Connection, merchant: str, owner: Owner, now: datetime) -> None:
    key = _key(merchant, owner)
    connection.execute(delete(_TABLE).filter_by(**key, calendar_id=None))
    connection.execute(delete(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.since < now - PERMIT_RETENTION))
    connection.execute(insert(_TABLE).values(**key, since=now))


def use_permit(connection: Connection, merchant: str, owner: Owner, calendar_id: str) -> None:
    """Record that a calendar was created with the owner's permit, within a transaction."""
    unused = update(_TABLE).filter_by(**_key(merchant, owner), calendar_id=None)
    connection.execute(unused.values(calendar_id=calendar_id))


def _key(merchant: str, owner: Owner) -> dict[str, str]:
    return {"merchant": merchant, "kind": owner.kind.value, "owner_id": owner.id}
