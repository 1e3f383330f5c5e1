"""Connections: the grants of merchants to Google accounts; tokens are encrypted."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Executable, Row, Update, and_, bindparam, case, null, or_, select, update
from sqlmodel import Session
from sqlmodel import select as select_row

from slotsync.clock import utc_now
from slotsync.domain.audit import CONNECTION, GOOGLE, SLOTSYNC
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.refused_grants import remedy_for
from slotsync.errors import GrantLost, Undecryptable
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog, record_resumptions
from slotsync.store.availability.forgetting import forget_busy_times
from slotsync.store.availability.watched_accounts import forget_calendars_of, mark_all_notified, mark_changed
from slotsync.store.calendars.managed_calendars import forget_managed_calendars
from slotsync.store.connections.account_keys import hash_account_key
from slotsync.store.connections.grant_changes import FORGOTTEN, RESTORED, describe_grant, describe_refusal
from slotsync.store.connections.grants import (
    Grant,
    NewGrant,
    RefusedGrant,
    SavedGrant,
    encrypt_access_token,
    give_up,
    is_account_used,
    read_grant,
)
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.database.leases import Leases
from slotsync.store.merchants import ensure_merchant
from slotsync.store.reservations.drift_rows import close_calendars
from slotsync.store.reservations.left_events import leave_in_former_account
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)
_SELECT_ROW = select_row(ConnectionRow).where(_TABLE.c.merchant == bindparam("merchant"))
_ACTIVE = ConnectionState.ACTIVE.value
_REVOKED = ConnectionState.REVOKED.value
_GRANT_COLUMNS = (
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
    granted = {name: insert.excluded[name] for name in _GRANT_COLUMNS}
    unserved = _TABLE.c.grant_number != _TABLE.c.served_grant
    intent = {
        "grant_number": _TABLE.c.grant_number + 1,
        "resume_all": or_(insert.excluded.resume_all, and_(unserved, _TABLE.c.resume_all)),
        "disconnect_choice": null(),
        "due_at": insert.excluded.due_at,
        "stopped_at": null(),
    }
    return insert.on_conflict_do_update(index_elements=["merchant"], set_=granted | intent).returning(_TABLE.c.id)


_SAVE = Upsert(_TABLE, _replace_grant)


class Connections:
    """Stores the grant of each merchant, and the state of its connection."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._clock = clock or store.now
        self._audit = AuditLog(store, vault)
        self._leases = Leases(store, _TABLE, "id", clock or utc_now)

    def save_grant(self, merchant: str, refresh_token: str, scopes: Iterable[str], account_email: str) -> str:
        """Activate the merchant's connection with a grant that came without a browser, and return its id."""
        return self.save(
            merchant, NewGrant(account_email=account_email, scopes=frozenset(scopes), refresh_token=refresh_token)
        )

    def save(self, merchant: str, new: NewGrant, *, resume_all: bool = False) -> str:
        """Activate the merchant's connection and return its id, which stays the same over all grants of a merchant.

        Work that waits for a grant is due to be signalled. All work is with ``resume_all``, after a disconnection, and
        with another account than before, the calendars of which are forgotten: they are out of reach.
        """
        now = self._clock()
        with self._store.write() as connection:
            return self.save_in(connection, merchant, new, now, resume_all=resume_all).connection_id

    def save_in(
        self, connection: Connection, merchant: str, new: NewGrant, now: datetime, *, resume_all: bool = False
    ) -> SavedGrant:
        """Do what ``save`` does in the caller's transaction. The grant of another account is kept until it is ended."""
        ensure_merchant(connection, merchant)
        own = self._keys.for_writing(connection, merchant)
        before = _lock_row(connection, merchant)
        other = before is not None and self._is_other_account(connection, before, new)
        other_key = before is not None and bool(self._compare_keys(connection, before, new))
        change = describe_grant(before, new, other_account=other_key)
        former = give_up(connection, self._keys, before, now) if before and other else None
        if before and other_key:
            _forget_other_account(connection, self._keys, before, now)
        resume_all = resume_all or other or (before is not None and before.account_email is None)
        saved = _SAVE.run(
            connection,
            id=str(uuid4()),
            merchant=merchant,
            state=_ACTIVE,
            account_email=own.encrypt(_TABLE.c.account_email, new.account_email),
            account_key=hash_account_key(connection, self._keys, new.account_key),
            scopes=" ".join(sorted(new.scopes)),
            refresh_token=own.encrypt(_TABLE.c.refresh_token, new.refresh_token),
            access_token=own.encrypt(_TABLE.c.access_token, new.access_token) if new.access_token else None,
            access_expires_at=new.expires_at,
            last_error=None,
            since=now,
            grant_number=1,
            resume_all=resume_all,
            due_at=now,
        )
        mark_all_notified(connection, str(saved), now)
        self._audit.record(connection, merchant, change, now)
        stopped = [(merchant,)] if before is not None and before.stopped_at else []
        record_resumptions(connection, self._audit, CONNECTION, stopped, now)
        return SavedGrant(str(saved), former)

    def is_same_account(self, connection: Connection, merchant: str, new: NewGrant) -> bool:
        """Return whether the grant is of the account that the merchant has connected, as far as that is known."""
        row = _lock_row(connection, merchant)
        return row is not None and row.account_email is not None and not self._is_other_account(connection, row, new)

    def now(self) -> datetime:
        """Return the time by the clock of this store."""
        return self._clock()

    def get_id(self, merchant: str) -> str | None:
        """Return the id of the merchant's connection, active or not, or None if there never was one."""
        with self._store.read() as session:
            row = find_row(session, merchant)
            return row.id if row else None

    def get_active_id(self, merchant: str) -> str | None:
        """Return the id of the merchant's active connection, or None if it has none."""
        with self._store.read() as session:
            row = find_row(session, merchant)
            return row.id if row and row.state == _ACTIVE else None

    def get_grant_number(self, merchant: str) -> int:
        """Return the number of the merchant's grant, 0 if it never had one.

        It grows with each grant, and each time that Google accepts a refused one again.
        """
        with self._store.read() as session:
            row = find_row(session, merchant)
            return row.grant_number if row else 0

    def is_account_used(self, account_key: str | None) -> bool:
        """Return whether any merchant needs a grant of this account: Google revokes all of them together."""
        with self._store.read() as session:
            return is_account_used(session, self._keys, account_key)

    def get_grant_number_by_id(self, connection_id: str) -> int:
        """Return the number of the grant of the connection with this id, 0 if there is none."""
        query = select(_TABLE.c.grant_number).where(_TABLE.c.id == connection_id)
        with self._store.read() as session:
            return session.execute(query).scalar_one_or_none() or 0

    def get_state(self, merchant: str) -> ConnectionState:
        """Return the state of the merchant's connection; a merchant that never had one is disconnected."""
        with self._store.read() as session:
            row = find_row(session, merchant)
            return ConnectionState(row.state) if row else ConnectionState.DISCONNECTED

    def grant(self, connection_id: str) -> Grant:
        """Return the grant of an active connection.

        Raises:
            GrantLost: the connection is not active.
        """
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
            if row is None or row.state != _ACTIVE or row.refresh_token is None:
                raise _lost_grant(row)
            return read_grant(session, self._keys, row)

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime, grant_number: int) -> None:
        """Store the newest access token of the grant with this number for all threads and processes."""
        with self._store.write() as connection:
            encrypted = encrypt_access_token(connection, self._keys, connection_id, token)
            change = _same_grant(connection_id, grant_number)
            connection.execute(change.values(access_token=encrypted, access_expires_at=expires_at))

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        """Return whether the holder may refresh the token now, and no other for this duration at most."""
        return self._leases.acquire(connection_id, holder, duration)

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Let the next holder refresh, if the lease is still this holder's."""
        self._leases.release(connection_id, holder)

    def mark_good_call(self, connection_id: str, at: datetime, grant_number: int) -> None:
        """Record when Google last answered a call with this grant: what failed before does not count any more."""
        self._change(connection_id, grant_number, last_good_call_at=at, last_error=None)

    def mark_error(self, connection_id: str, reason: str, grant_number: int) -> None:
        """Record why a call to Google with this grant failed though the grant is good, until one succeeds."""
        self._change(connection_id, grant_number, last_error=reason)

    def mark_revoked(self, connection_id: str, reason: str, grant_number: int) -> str | None:
        """Record that Google refuses the grant with this number; return the merchant, None if there is another one.

        Its refresh token is kept: some refusals end by themselves, or by an administrator. Numbers are compared, no
        times: clocks differ, and a new grant may be committed in the same moment.
        """
        now = self._clock()
        due_at = case((_TABLE.c.stopped_at.is_(None), now))
        revoked = {"state": _REVOKED, "last_error": reason, "since": now, "due_at": due_at, "notices": 0, "mailed": 0}
        no_token = {"access_token": None, "access_expires_at": None}
        change = _same_grant(connection_id, grant_number).values(**revoked, **no_token).returning(_TABLE.c.merchant)
        with self._store.write() as connection:
            merchant: str | None = connection.execute(change).scalar_one_or_none()
            if merchant:
                mark_changed(connection, connection_id, now)
                self._audit.record(connection, merchant, describe_refusal(reason), now, GOOGLE)
            return merchant

    def is_resuming(self, merchant: str) -> bool:
        """Return whether the merchant is connected, and work that waited for the grant is still to be signalled."""
        with self._store.read() as session:
            row = find_row(session, merchant)
        return row is not None and row.state == _ACTIVE and row.grant_number != row.served_grant

    def is_refused(self, merchant: str, grant_number: int) -> bool:
        """Return whether Google refuses the merchant's grant with this number, also one that is forgotten."""
        with self._store.read() as session:
            row = find_row(session, merchant)
        return row is not None and row.state == _REVOKED and row.grant_number == grant_number

    def get_refused(self, merchant: str, grant_number: int) -> RefusedGrant | None:
        """Return the merchant's refused grant with this number, or None if it is not refused, or forgotten."""
        with self._store.read() as session:
            row = find_row(session, merchant)
            if row is None or row.state != _REVOKED or row.grant_number != grant_number or row.refresh_token is None:
                return None
            return RefusedGrant(row.id, read_grant(session, self._keys, row).refresh_token)

    def restore(self, connection_id: str, grant_number: int, token: str, expires_at: datetime) -> None:
        """Activate the refused grant with this number again, with a new access token: Google accepts it.

        It counts as another grant, so that the work that waited for one is signalled.
        """
        now = self._clock()
        own = (_TABLE.c.id == connection_id, _TABLE.c.state == _REVOKED, _TABLE.c.grant_number == grant_number)
        values = {
            "state": _ACTIVE,
            "access_expires_at": expires_at,
            "last_error": None,
            "since": now,
            "grant_number": grant_number + 1,
            "due_at": now,
        }
        with self._store.write() as connection:
            encrypted = encrypt_access_token(connection, self._keys, connection_id, token)
            change = update(_TABLE).where(*own).values(**values, access_token=encrypted)
            if merchant := connection.execute(change.returning(_TABLE.c.merchant)).scalar_one_or_none():
                mark_all_notified(connection, connection_id, now)
                self._audit.record(connection, merchant, RESTORED, now, GOOGLE)

    def record_refusal(self, connection_id: str, grant_number: int, reason: str) -> None:
        """Record why Google refuses the grant with this number still."""
        own = (_TABLE.c.id == connection_id, _TABLE.c.state == _REVOKED, _TABLE.c.grant_number == grant_number)
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(*own).values(last_error=reason))

    def forget_refused(self, merchant: str, grant_number: int) -> None:
        """Give up a grant that Google has refused for long. It may work again: it is kept until Google ends it."""
        now = self._clock()
        with self._store.write() as connection:
            row = _lock_row(connection, merchant)
            kept = row is not None and row.state == _REVOKED and row.refresh_token is not None
            if row and kept and row.grant_number == grant_number:
                give_up(connection, self._keys, row, now)
                connection.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(refresh_token=None))
                self._audit.record(connection, merchant, FORGOTTEN, now, SLOTSYNC)

    def _is_other_account(self, connection: Connection, row: Row[Any], new: NewGrant) -> bool:
        """Return whether the grant is certainly of another account than that of the connection."""
        differ = self._compare_keys(connection, row, new)
        if differ is not None:
            return differ
        if row.account_email is None:
            return False
        try:
            email = self._keys.decrypt(connection, cell(_TABLE.c.account_email, row.merchant), row.account_email)
        except Undecryptable:
            return False
        return email.lower() != new.account_email.lower()

    def _compare_keys(self, connection: Connection, row: Row[Any], new: NewGrant) -> bool | None:
        """Return whether the account keys of the connection and of the grant differ, None unless both have one."""
        one, other = (hash_account_key(connection, self._keys, each.account_key) for each in (row, new))
        return one != other if one and other else None

    def _change(self, connection_id: str, grant_number: int, **values: object) -> None:
        """Change the row, unless it has another grant by now: a call may end after the merchant has connected again."""
        with self._store.write() as connection:
            connection.execute(_same_grant(connection_id, grant_number).values(**values))


def _lost_grant(row: ConnectionRow | None) -> GrantLost:
    """Return the error for a connection that is not active, with the reason for which Google has refused its grant."""
    if row and row.state == _REVOKED and row.last_error:
        remedy = remedy_for(row.last_error, forgotten=row.refresh_token is None)
        return GrantLost(f"Google refuses the grant ({row.last_error}). {remedy}", reason=row.last_error)
    state = row.state if row else ConnectionState.DISCONNECTED.value
    return GrantLost(f"the connection is {state}: the merchant has to connect Google again", reason=state)


def _same_grant(connection_id: str, grant_number: int) -> Update:
    own = (_TABLE.c.id == connection_id, _TABLE.c.state == _ACTIVE, _TABLE.c.grant_number == grant_number)
    return update(_TABLE).where(*own)


def _forget_other_account(connection: Connection, keys: DataKeys, before: Row[Any], now: datetime) -> None:
    forget_calendars_of(connection, before.id)
    account_key = hash_account_key(connection, keys, before.account_key) or ""
    close_calendars(connection, before.merchant, None, now)
    for calendar_id in forget_managed_calendars(connection, before.merchant, account_key):
        leave_in_former_account(connection, before.merchant, calendar_id, now)
    forget_busy_times(connection, keys, before.merchant, now)


def _lock_row(connection: Connection, merchant: str) -> Row[Any] | None:
    return connection.execute(select(_TABLE).where(_TABLE.c.merchant == merchant).with_for_update()).one_or_none()


def find_row(session: Session, merchant: str) -> ConnectionRow | None:
    """Return the row of the merchant's connection, or None if it never had one."""
    return session.exec(_SELECT_ROW, params={"merchant": merchant}).first()
