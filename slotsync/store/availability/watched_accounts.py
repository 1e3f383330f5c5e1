"""Watched accounts: their calendars, when those were last read, and the lease of the process that reads them."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Select, delete, insert, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_row

from slotsync.clock import utc_now
from slotsync.domain.availability.reading_plan import ReadingAttempt, WatchedCalendar
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.cells import cell, cell_of
from slotsync.store.database.engine import Store
from slotsync.store.database.leases import Leases
from slotsync.store.merchants import find_merchant
from slotsync.store.tables.availability import BusyReadingRow, PushChannelRow, WatchedAccountRow, WatchedCalendarRow
from slotsync.store.tables.calendars import BlockingCalendarRow
from slotsync.store.tables.connections import ConnectionRow

_ACCOUNTS = table_of(WatchedAccountRow)
_CALENDARS = table_of(WatchedCalendarRow)
_CONNECTIONS = table_of(ConnectionRow)
_CHANNELS = table_of(PushChannelRow)
_READINGS = table_of(BusyReadingRow)
_NOTIFIED_AT = _CALENDARS.c.rung_at  # stored name
_PICKED_ID = table_of(BlockingCalendarRow).c.calendar_id
_ATTEMPT_COLUMNS = ("chunk", "read_at", "failed_at", "failing_since")


def _ignore_known(insert: Insert) -> Insert:
    return insert.on_conflict_do_nothing(index_elements=["connection_id"])


_ADD = Upsert(_ACCOUNTS, _ignore_known)


class WatchedAccounts:
    """Stores the watched account of each connection, and its calendars."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._clock = clock
        self._leases = Leases(store, _ACCOUNTS, "connection_id", clock)

    def add(self, connection_id: str) -> None:
        """Record that the account is watched, if it is not recorded yet."""
        with self._store.write() as connection:
            _ADD.run(connection, connection_id=connection_id, changed_at=self._clock())

    def get_changes(self, moment: datetime) -> dict[str, datetime]:
        """Return the connections with something new since the moment, each with the time of its last change."""
        query = select(_ACCOUNTS.c.connection_id, _ACCOUNTS.c.changed_at).where(_ACCOUNTS.c.changed_at > moment)
        with self._store.read() as session:
            return {row.connection_id: row.changed_at for row in session.execute(query)}

    def get_last_change(self, connection_id: str) -> datetime | None:
        """Return when something new was last read or notified, or None if the account is not watched."""
        with self._store.read() as session:
            row = session.get(WatchedAccountRow, connection_id)
            return row.changed_at if row else None

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        """Return whether the holder may read the account now, and no other process for this duration at most."""
        return self._leases.acquire(connection_id, holder, duration)

    def renew_lease(self, connection_id: str, holder: str, duration: timedelta) -> None:
        """Extend the holder's lease to this duration from now."""
        self._leases.renew(connection_id, holder, duration)

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Let the next process read, if the lease is still the holder's."""
        self._leases.release(connection_id, holder)

    def get_picked(self, connection_id: str) -> set[str]:
        """Return the ids of all calendars that block any product of the connection's merchant."""
        query = (
            select_row(BlockingCalendarRow)
            .join(ConnectionRow, col(ConnectionRow.merchant) == col(BlockingCalendarRow.merchant))
            .where(ConnectionRow.id == connection_id)
        )
        with self._store.read() as session:
            return {
                self._keys.decrypt(session, cell_of(_PICKED_ID, row.merchant, row.model_dump()), row.calendar_id)
                for row in session.exec(query).all()
                if row.calendar_id
            }

    def get_calendars(self, connection_id: str) -> list[WatchedCalendar]:
        """Return the calendars that are watched now, each with its newest attempts to read it."""
        now = self._clock()
        with self._store.read() as session:
            own = select_row(WatchedCalendarRow).where(WatchedCalendarRow.connection_id == connection_id)
            rows = session.exec(own.order_by(col(WatchedCalendarRow.id))).all()
            attempts, pushed = _attempts(session, connection_id), _pushed(session, connection_id, now)
            calendar_ids = decrypt_calendar_ids(session, self._keys, connection_id)
        return [
            WatchedCalendar(
                id=row.id,
                calendar_id=calendar_ids[row.id],
                pushed=row.id in pushed,
                notified_at=row.rung_at,  # stored name
                attempts=attempts.get(row.id, {}),
            )
            for row in rows
        ]

    def add_calendars(self, connection_id: str, calendar_ids: Iterable[str]) -> list[WatchedCalendar]:
        """Add calendars and return them. Only the holder of the lease may: nothing else prevents duplicates."""
        added = [WatchedCalendar(id=str(uuid4()), calendar_id=each) for each in calendar_ids]
        with self._store.write() as connection:
            merchant = find_merchant(connection, connection_id)
            if merchant is None:
                return []
            own = self._keys.for_writing(connection, merchant)
            rows = [
                {
                    "id": each.id,
                    "connection_id": connection_id,
                    "calendar_id": own.encrypt(_CALENDARS.c.calendar_id, each.calendar_id, id=each.id),
                }
                for each in added
            ]
            connection.execute(insert(_CALENDARS).values(push_refused=False), rows)
        return added

    def forget_calendars(self, watched_ids: Collection[str]) -> None:
        """Delete watched calendars with their readings and channels."""
        with self._store.write() as connection:
            forget_calendars(connection, watched_ids)


def forget_calendars(connection: Connection, watched_ids: Collection[str]) -> None:
    """Delete watched calendars with their readings and channels, within a transaction."""
    for table in (_READINGS, _CHANNELS):
        connection.execute(delete(table).where(table.c.watched_id.in_(watched_ids)))
    connection.execute(delete(_CALENDARS).where(_CALENDARS.c.id.in_(watched_ids)))


def mark_changed(connection: Connection, connection_id: str, now: datetime) -> None:
    """Mark the account as changed, for all processes that watch it."""
    connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.connection_id == connection_id).values(changed_at=now))


def mark_all_changed(connection: Connection, connection_ids: Select[tuple[str]], now: datetime) -> None:
    """Mark these accounts as changed."""
    connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.connection_id.in_(connection_ids)).values(changed_at=now))


def mark_all_notified(connection: Connection, connection_id: str, now: datetime) -> None:
    """Mark all calendars of the account as notified now, so that they are read soon."""
    own = update(_CALENDARS).where(_CALENDARS.c.connection_id == connection_id)
    connection.execute(own.values({_NOTIFIED_AT: now}))
    mark_changed(connection, connection_id, now)


def raise_notified_at(connection: Connection, watched_id: str, at: datetime) -> None:
    """Mark a calendar as notified at this time, unless a later time is recorded."""
    earlier = or_(_NOTIFIED_AT.is_(None), at > _NOTIFIED_AT)
    own = update(_CALENDARS).where(_CALENDARS.c.id == watched_id, earlier)
    connection.execute(own.values({_NOTIFIED_AT: at}))


def mark_push_refused(connection: Connection, watched_id: str) -> None:
    """Record that Google will never send notifications of this calendar."""
    connection.execute(update(_CALENDARS).where(_CALENDARS.c.id == watched_id).values(push_refused=True))


def filter_push_refused(session: Session, watched_ids: Collection[str]) -> set[str]:
    """Return the ids of those watched calendars of which Google will never send notifications."""
    query = select(_CALENDARS.c.id).where(_CALENDARS.c.id.in_(watched_ids), _CALENDARS.c.push_refused)
    return {*session.execute(query).scalars()}


def decrypt_calendar_ids(session: Session, keys: DataKeys, connection_id: str) -> dict[str, str]:
    """Return the calendar ids of the account's watched calendars, by their own ids."""
    column = _CALENDARS.c.calendar_id
    query = select(_CALENDARS.c.id, column, _CONNECTIONS.c.merchant).select_from(_CALENDARS)
    own = query.join(_CONNECTIONS, _CONNECTIONS.c.id == _CALENDARS.c.connection_id).where(
        _CALENDARS.c.connection_id == connection_id
    )
    rows = session.execute(own).all()
    return {row.id: keys.decrypt(session, cell(column, row.merchant, id=row.id), row.calendar_id) for row in rows}


def mark_merchant_changed(connection: Connection, merchant: str, now: datetime) -> None:
    """Mark the account that the merchant has connected, if any, as changed."""
    own = select(_CONNECTIONS.c.id).where(_CONNECTIONS.c.merchant == merchant)
    mark_all_changed(connection, own, now)


def _attempts(session: Session, connection_id: str) -> dict[str, dict[int, ReadingAttempt]]:
    query = (
        select(_READINGS.c.watched_id, *(_READINGS.c[name] for name in _ATTEMPT_COLUMNS))
        .join(_CALENDARS, _CALENDARS.c.id == _READINGS.c.watched_id)
        .where(_CALENDARS.c.connection_id == connection_id)
    )
    found: dict[str, dict[int, ReadingAttempt]] = {}
    for row in session.execute(query):
        found.setdefault(row.watched_id, {})[row.chunk] = _attempt(row.read_at, row.failed_at, row.failing_since)
    return found


def _attempt(read_at: datetime | None, failed_at: datetime | None, failing_since: datetime | None) -> ReadingAttempt:
    """Return the newest attempt. An older slotsync does not record since when it fails."""
    if failed_at is None or (read_at and read_at > failed_at):
        assert read_at
        return ReadingAttempt(at=read_at, read_at=read_at)
    return ReadingAttempt(at=failed_at, failing_since=failing_since or failed_at, read_at=read_at)


def _pushed(session: Session, connection_id: str, now: datetime) -> set[str]:
    query = (
        select(_CHANNELS.c.watched_id)
        .join(_CALENDARS, _CALENDARS.c.id == _CHANNELS.c.watched_id)
        .where(_CALENDARS.c.connection_id == connection_id, _CHANNELS.c.expires_at > now)
        .where(_CHANNELS.c.heard_at.is_not(None), _CHANNELS.c.doubted_at.is_(None))
    )
    return {watched_id for (watched_id,) in session.execute(query)}


def forget_account(connection: Connection, connection_id: str) -> None:
    """Delete the watched account, with its calendars and all that was read of them."""
    forget_calendars_of(connection, connection_id)
    connection.execute(delete(_ACCOUNTS).where(_ACCOUNTS.c.connection_id == connection_id))


def forget_calendars_of(connection: Connection, connection_id: str) -> None:
    """Delete all watched calendars of the account, with their readings and channels."""
    watched = select(_CALENDARS.c.id).where(_CALENDARS.c.connection_id == connection_id)
    forget_calendars(connection, connection.execute(watched).scalars().all())
