"""The end of connections: taken out of use, then forgotten."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import DisconnectedCalendar, Disconnection
from slotsync.errors import GrantLost
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import forget_account, mark_merchant_changed
from slotsync.store.connections.connections import Grant, grant_in
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.database.leases import Leases
from slotsync.store.tables.calendars import BlockingCalendarRow, ManagedCalendarRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)
_PICKED = table_of(BlockingCalendarRow)
_GONE = ConnectionState.DISCONNECTED.value


class Disconnections:
    """The connections that are being disconnected. As ``Grants`` they serve the cleaning up alone."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._leases = Leases(store, _TABLE, "id")

    def begin(self, merchant: str, now: datetime) -> Disconnection | None:
        """Takes the connection out of use, tokens kept for cleaning up; nothing if there never was one."""
        stays = _TABLE.c.state != _GONE
        with self._store.write() as connection:
            own = _TABLE.c.merchant == merchant
            connection.execute(update(_TABLE).where(own, stays).values(state=_GONE, since=now))
            mark_merchant_changed(connection, merchant, now)
        with self._store.read() as session:
            row = session.exec(select(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
            return _departure(session, row) if row else None

    def finish(self, connection_id: str) -> None:
        """Forgets tokens, account, scopes, picked calendars and busy times, unless the merchant has connected again."""
        nothing = dict.fromkeys(("refresh_token", "access_token", "access_expires_at", "account_email", "last_error"))
        with self._store.write() as connection:
            own = (_TABLE.c.id == connection_id, _TABLE.c.state == _GONE)
            forgotten = update(_TABLE).where(*own).values(**nothing, scopes="", last_good_call_at=None)
            for merchant in connection.execute(forgotten.returning(_TABLE.c.merchant)).scalars().all():
                # In the order of who picks: with another one, each might wait for the other.
                connection.execute(delete(_PICKED).where(_PICKED.c.merchant == merchant))
                forget_account(connection, connection_id)

    def is_shared(self, connection_id: str) -> bool:
        """Whether another merchant uses the same account: Google ends all grants of an account to us at once."""
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
            return row is not None and _is_shared(session, row)

    def grant(self, connection_id: str) -> Grant:
        """The grant, while the connection departs; ``GrantLost`` when it is dead or was given again."""
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
        if row is None or row.state != _GONE or row.refresh_token is None:
            raise GrantLost("the connection is not being disconnected any more", reason="departed")
        return grant_in(row, self._vault)

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime) -> None:
        """Keeps the newest access token for the rest of the cleaning up."""
        sealed = {"access_token": self._vault.encrypt(token), "access_expires_at": expires_at}
        with self._store.write() as connection:
            own = (_TABLE.c.id == connection_id, _TABLE.c.state == _GONE, _TABLE.c.refresh_token.is_not(None))
            connection.execute(update(_TABLE).where(*own).values(**sealed))

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        """Whether this holder may refresh the token now, and nobody else."""
        return self._leases.acquire(connection_id, holder, duration)

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Lets the next one refresh."""
        self._leases.release(connection_id, holder)


def _departure(session: Session, row: ConnectionRow) -> Disconnection:
    calendars = session.exec(select(ManagedCalendarRow).where(ManagedCalendarRow.merchant == row.merchant))
    return Disconnection(
        connection_id=row.id,
        alive=row.refresh_token is not None,
        shared=_is_shared(session, row),
        calendars=tuple(
            DisconnectedCalendar(owner=Owner(kind=OwnerKind(each.kind), id=each.owner_id), calendar_id=each.calendar_id)
            for each in calendars
        ),
    )


def _is_shared(session: Session, row: ConnectionRow) -> bool:
    if row.account_key is None:
        return False
    same = (ConnectionRow.account_key == row.account_key, ConnectionRow.id != row.id)
    active = ConnectionRow.state == ConnectionState.ACTIVE.value
    return session.exec(select(ConnectionRow).where(*same, active)).first() is not None
