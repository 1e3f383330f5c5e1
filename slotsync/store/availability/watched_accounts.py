"""Accounts that are read: which calendars, when they were last read, and who holds the lease."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_row

from slotsync.clock import utc_now
from slotsync.domain.availability.reading_plan import Attempt, WatchedCalendar
from slotsync.secrets import Vault
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.database.leases import Leases
from slotsync.store.tables.availability import BusyReadingRow, PushChannelRow, WatchedAccountRow, WatchedCalendarRow
from slotsync.store.tables.calendars import BlockingCalendarRow
from slotsync.store.tables.connections import ConnectionRow

_ACCOUNTS = table_of(WatchedAccountRow)
_CALENDARS = table_of(WatchedCalendarRow)
_CONNECTIONS = table_of(ConnectionRow)
_CHANNELS = table_of(PushChannelRow)
_READINGS = table_of(BusyReadingRow)


def _keep(insert: Insert) -> Insert:
    return insert.on_conflict_do_nothing(index_elements=["connection_id"])


_KNOW = Upsert(_ACCOUNTS, _keep)


class WatchedAccounts:
    """Keeps what is watched of each connection."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._leases = Leases(store, _ACCOUNTS, "connection_id", clock)

    def know(self, connection_id: str) -> None:
        """Makes the account one that is watched, if it is not yet."""
        with self._store.write() as connection:
            _KNOW.run(connection, connection_id=connection_id, changed_at=self._clock())

    def changed_since(self, moment: datetime) -> dict[str, datetime]:
        """The connections of which something new was read or told since, and when that was last."""
        query = select(_ACCOUNTS.c.connection_id, _ACCOUNTS.c.changed_at).where(_ACCOUNTS.c.changed_at > moment)
        with self._store.read() as session:
            return {row.connection_id: row.changed_at for row in session.execute(query)}

    def changed_at(self, connection_id: str) -> datetime | None:
        """When something new was last read or told of this one."""
        with self._store.read() as session:
            row = session.get(WatchedAccountRow, connection_id)
            return row.changed_at if row else None

    def acquire_lease(self, connection_id: str, holder: str, lasts: timedelta) -> bool:
        """Return whether the holder may read the account now, and no other process for so long at most."""
        return self._leases.acquire(connection_id, holder, lasts)

    def renew_lease(self, connection_id: str, holder: str, lasts: timedelta) -> None:
        """Let the holder's lease last for so long from now."""
        self._leases.renew(connection_id, holder, lasts)

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Let the next process read, if the lease is still the holder's."""
        self._leases.release(connection_id, holder)

    def picked(self, connection_id: str) -> set[str]:
        """The ids of all calendars that block any product of the connection's merchant."""
        query = (
            select_row(BlockingCalendarRow.calendar_id)
            .join(ConnectionRow, col(ConnectionRow.merchant) == col(BlockingCalendarRow.merchant))
            .where(ConnectionRow.id == connection_id)
        )
        with self._store.read() as session:
            return {self._vault.decrypt(sealed) for sealed in session.exec(query) if sealed}

    def calendars(self, connection_id: str) -> list[WatchedCalendar]:
        """What is watched now, with what is known of its readings."""
        now = self._clock()
        with self._store.read() as session:
            mine = select_row(WatchedCalendarRow).where(WatchedCalendarRow.connection_id == connection_id)
            rows = session.exec(mine.order_by(col(WatchedCalendarRow.id))).all()
            attempts, pushed = _attempts(session, connection_id), _pushed(session, connection_id, now)
        return [
            WatchedCalendar(
                id=row.id,
                calendar_id=self._vault.decrypt(row.calendar_id or ""),
                pushed=row.id in pushed,
                rung_at=row.rung_at,
                attempts=attempts.get(row.id, {}),
            )
            for row in rows
        ]

    def watch(self, connection_id: str, calendar_ids: Iterable[str]) -> None:
        """Adds calendars. Only who has the turn may: nobody else keeps one from being added twice."""
        rows = [
            {"id": str(uuid4()), "connection_id": connection_id, "calendar_id": self._vault.encrypt(each)}
            for each in calendar_ids
        ]
        with self._store.write() as connection:
            connection.execute(insert(_CALENDARS).values(push_refused=False), rows)

    def forget(self, watched_ids: Collection[str]) -> None:
        """Forgets calendars, with all that was read of them."""
        with self._store.write() as connection:
            forget_calendars(connection, watched_ids)

    def ring(self, connection_id: str, watched_ids: Collection[str]) -> None:
        """Has these calendars read soon: something may have changed in them since they were."""
        now = self._clock()
        with self._store.write() as connection:
            connection.execute(update(_CALENDARS).where(_CALENDARS.c.id.in_(watched_ids)).values(rung_at=now))
            mark_changed(connection, connection_id, now)


def forget_calendars(connection: Connection, watched_ids: Collection[str]) -> None:
    """Forgets watched calendars with their readings and channels."""
    for table in (_READINGS, _CHANNELS):
        connection.execute(delete(table).where(table.c.watched_id.in_(watched_ids)))
    connection.execute(delete(_CALENDARS).where(_CALENDARS.c.id.in_(watched_ids)))


def mark_changed(connection: Connection, connection_id: str, now: datetime) -> None:
    """Tells everybody who watches the account that something is new."""
    connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.connection_id == connection_id).values(changed_at=now))


def mark_all_notified(connection: Connection, connection_id: str, now: datetime) -> None:
    """Has all calendars of the account read soon."""
    connection.execute(update(_CALENDARS).where(_CALENDARS.c.connection_id == connection_id).values(rung_at=now))
    mark_changed(connection, connection_id, now)


def mark_merchant_changed(connection: Connection, merchant: str, now: datetime) -> None:
    """The same, for whichever account the merchant has connected."""
    own = select(_CONNECTIONS.c.id).where(_CONNECTIONS.c.merchant == merchant)
    connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.connection_id.in_(own)).values(changed_at=now))


def _attempts(session: Session, connection_id: str) -> dict[str, dict[int, Attempt]]:
    query = (
        select(_READINGS.c.watched_id, _READINGS.c.chunk, _READINGS.c.read_at, _READINGS.c.failed_at)
        .join(_CALENDARS, _CALENDARS.c.id == _READINGS.c.watched_id)
        .where(_CALENDARS.c.connection_id == connection_id)
    )
    found: dict[str, dict[int, Attempt]] = {}
    for row in session.execute(query):
        found.setdefault(row.watched_id, {})[row.chunk] = _attempt(row.read_at, row.failed_at)
    return found


def _attempt(read_at: datetime | None, failed_at: datetime | None) -> Attempt:
    at = max(moment for moment in (read_at, failed_at) if moment)
    return Attempt(at=at, failed=failed_at == at, read_at=read_at)


def _pushed(session: Session, connection_id: str, now: datetime) -> set[str]:
    query = (
        select(_CHANNELS.c.watched_id)
        .join(_CALENDARS, _CALENDARS.c.id == _CHANNELS.c.watched_id)
        .where(_CALENDARS.c.connection_id == connection_id, _CHANNELS.c.expires_at > now)
    )
    return {watched_id for (watched_id,) in session.execute(query)}


def forget_account(connection: Connection, connection_id: str) -> None:
    """Forgets that the account was watched, with all that was read of it."""
    forget_calendars_of(connection, connection_id)
    connection.execute(delete(_ACCOUNTS).where(_ACCOUNTS.c.connection_id == connection_id))


def forget_calendars_of(connection: Connection, connection_id: str) -> None:
    """Forgets all watched calendars of the account, with their readings and channels."""
    watched = select(_CALENDARS.c.id).where(_CALENDARS.c.connection_id == connection_id)
    forget_calendars(connection, connection.execute(watched).scalars().all())
