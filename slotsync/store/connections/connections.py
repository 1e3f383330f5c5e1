"""The grants of merchants to Google accounts; tokens are encrypted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Executable, delete, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_row

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import ConnectionState
from slotsync.errors import GrantLost
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import forget_calendars_of, mark_all_notified, mark_changed
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.database.leases import Leases
from slotsync.store.merchants import ensure_merchant
from slotsync.store.tables.calendars import BlockingCalendarRow, ManagedCalendarRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)
_CALENDARS = table_of(ManagedCalendarRow)
_PICKED = table_of(BlockingCalendarRow)
_ACTIVE = ConnectionState.ACTIVE.value
_GRANTED = (
    "state",
    "account_email",
    "account_key",
    "scopes",
    "refresh_token",
    "access_token",
    "access_expires_at",
    "last_error",
    "since",
)


def _replace_grant(insert: Insert) -> Executable:
    granted = {name: insert.excluded[name] for name in _GRANTED}
    return insert.on_conflict_do_update(index_elements=["merchant"], set_=granted).returning(_TABLE.c.id)


_SAVE = Upsert(_TABLE, _replace_grant)


@dataclass(frozen=True, repr=False)
class Grant:
    """What a merchant granted. It has no repr, so that no token is logged by accident."""

    refresh_token: str
    access_token: str | None
    expires_at: datetime | None
    scopes: frozenset[str]


@dataclass(frozen=True, repr=False, kw_only=True)
class NewGrant:
    """A grant as it comes from Google, and whose it is."""

    account_email: str
    account_key: str | None = None
    scopes: frozenset[str]
    refresh_token: str
    access_token: str | None = None
    expires_at: datetime | None = None


class Connections:
    """Keeps the grant of each merchant, and how it is doing."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._leases = Leases(store, _TABLE, "id", clock)

    def save_grant(self, merchant: str, refresh_token: str, scopes: Iterable[str], account_email: str) -> str:
        """Makes the merchant's connection active with a grant that came without a browser."""
        return self.save(
            merchant, NewGrant(account_email=account_email, scopes=frozenset(scopes), refresh_token=refresh_token)
        )

    def save(self, merchant: str, new: NewGrant) -> str:
        """Makes the merchant's connection active; the id of it, which a merchant keeps over all grants.

        The calendars of an account other than before are forgotten: they are out of reach.
        """
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            _forget_calendars_of_another(connection, merchant, new.account_key)
            saved = _SAVE.run(
                connection,
                id=str(uuid4()),
                merchant=merchant,
                state=_ACTIVE,
                account_email=self._vault.encrypt(new.account_email),
                account_key=new.account_key,
                scopes=" ".join(sorted(new.scopes)),
                refresh_token=self._vault.encrypt(new.refresh_token),
                access_token=self._vault.encrypt(new.access_token) if new.access_token else None,
                access_expires_at=new.expires_at,
                last_error=None,
                since=self._clock(),
            )
            mark_all_notified(connection, str(saved), self._clock())
            return str(saved)

    def get_active_id(self, merchant: str) -> str | None:
        """The merchant's connection, while it is active."""
        with self._store.read() as session:
            row = _of(session, merchant)
            return row.id if row and row.state == _ACTIVE else None

    def is_account_used(self, account_key: str | None) -> bool:
        """Whether anybody is connected to this account: Google ends all grants of an account to us at once."""
        if account_key is None:
            return False
        with self._store.read() as session:
            used = select_row(ConnectionRow).where(
                ConnectionRow.account_key == account_key, ConnectionRow.state == _ACTIVE
            )
            return session.exec(used).first() is not None

    def get_active_merchant(self, connection_id: str, at: datetime) -> str | None:
        """Whose connection it is, if it is active since ``at`` or longer."""
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
            return row.merchant if row and row.state == _ACTIVE and row.since <= at else None

    def get_state(self, merchant: str) -> ConnectionState:
        """How the merchant's connection is doing; a merchant that never had one is disconnected."""
        with self._store.read() as session:
            row = _of(session, merchant)
            return ConnectionState(row.state) if row else ConnectionState.DISCONNECTED

    def grant(self, connection_id: str) -> Grant:
        """What calls to Google need; ``GrantLost`` when the connection is not active."""
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
        if row is None or row.state != _ACTIVE or row.refresh_token is None:
            state = row.state if row else ConnectionState.DISCONNECTED.value
            raise GrantLost(f"the connection is {state}: the merchant has to connect Google again", reason=state)
        return grant_in(row, self._vault)

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime) -> None:
        """Keeps the newest access token for every thread and process."""
        self._change(connection_id, access_token=self._vault.encrypt(token), access_expires_at=expires_at)

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        """Whether this holder may refresh the token now, and nobody else."""
        return self._leases.acquire(connection_id, holder, duration)

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Lets the next one refresh."""
        self._leases.release(connection_id, holder)

    def mark_good_call(self, connection_id: str, at: datetime) -> None:
        """Notes that Google answered."""
        self._change(connection_id, last_good_call_at=at)

    def mark_error(self, connection_id: str, reason: str) -> None:
        """Notes why Google did not do what was asked, though the grant lives."""
        self._change(connection_id, last_error=reason)

    def mark_revoked(self, connection_id: str, reason: str, at: datetime) -> None:
        """Notes that the grant is dead, unless a newer one was saved since ``at``, when the failed call began."""
        dead = {"state": ConnectionState.REVOKED.value, "last_error": reason, "since": at}
        no_tokens = {"refresh_token": None, "access_token": None, "access_expires_at": None}
        alive = (_TABLE.c.id == connection_id, _TABLE.c.state == _ACTIVE, _TABLE.c.since <= at)
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(*alive).values(**dead, **no_tokens))
            mark_changed(connection, connection_id, self._clock())

    def _change(self, connection_id: str, **values: object) -> None:
        with self._store.write() as connection:
            connection.execute(
                update(_TABLE).where(_TABLE.c.id == connection_id, _TABLE.c.state == _ACTIVE).values(**values)
            )


def grant_in(row: ConnectionRow, vault: Vault) -> Grant:
    """The grant in a row that has a refresh token."""
    assert row.refresh_token is not None
    return Grant(
        refresh_token=vault.decrypt(row.refresh_token),
        access_token=vault.decrypt(row.access_token) if row.access_token else None,
        expires_at=row.access_expires_at,
        scopes=frozenset(row.scopes.split()),
    )


def _forget_calendars_of_another(connection: Connection, merchant: str, account_key: str | None) -> None:
    own = select(_TABLE.c.id, _TABLE.c.account_key).where(_TABLE.c.merchant == merchant)
    before = connection.execute(own).one_or_none()
    if before and before.account_key and account_key and before.account_key != account_key:
        forget_calendars_of(connection, before.id)
        for table in (_CALENDARS, _PICKED):
            connection.execute(delete(table).where(table.c.merchant == merchant))


def _of(session: Session, merchant: str) -> ConnectionRow | None:
    return session.exec(select_row(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
