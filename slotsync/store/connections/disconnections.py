"""Disconnections: connections are taken out of use, then their secrets are deleted."""

from datetime import datetime, timedelta

from sqlalchemy import case, literal, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_row

from slotsync.domain.audit import CONNECTION, DISCONNECTION, AuditAction, AuditChange, AuditValues
from slotsync.domain.calendars.creation_limit import PERMIT_COUNT_WINDOW
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectedCalendar, Disconnection
from slotsync.errors import GrantLost, Undecryptable
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog, record_resumptions, record_stop
from slotsync.store.availability.blocked_products import list_blocked_products
from slotsync.store.availability.forgetting import forget_busy_times
from slotsync.store.availability.watched_accounts import forget_account, mark_merchant_changed
from slotsync.store.calendars.managed_calendars import have_all_audited
from slotsync.store.connections.grants import Grant, encrypt_access_token, give_up, is_account_used, read_grant
from slotsync.store.connections.pending_consents import give_up_merchants_consents
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.database.leases import Leases
from slotsync.store.reservations.drift_rows import close_calendars
from slotsync.store.tables.calendars import ManagedCalendarRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)
_DISCONNECTED = ConnectionState.DISCONNECTED.value


class Disconnections:
    """Stores the connections that are being disconnected. Its grants serve only the cleaning up in Google."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._audit = AuditLog(store, vault)
        self._leases = Leases(store, _TABLE, "id")

    def request(self, merchant: str, calendars: CalendarChoice, now: datetime) -> bool:
        """Take the merchant's connection out of use, and record the choice for its calendars.

        Its tokens are kept for the cleaning up, which is due from now on. Consents on which nobody has decided connect
        nothing any more. Return false if there never was a connection.
        """
        own = _TABLE.c.merchant == merchant
        since = case((_TABLE.c.state == _DISCONNECTED, _TABLE.c.since), else_=literal(now, _TABLE.c.since.type))
        wanted = {"state": _DISCONNECTED, "since": since, "disconnect_choice": calendars.value, "notices": 0}
        intent = {"due_at": now, "stopped_at": None}
        with self._store.write() as connection:
            # In the order in which a consent is accepted: in another order, the two could deadlock.
            give_up_merchants_consents(connection, merchant)
            before = connection.execute(
                select(_TABLE.c.state, _TABLE.c.stopped_at).where(own).with_for_update()
            ).first()
            connection.execute(update(_TABLE).where(own).values(**wanted, **intent))
            mark_merchant_changed(connection, merchant, now)
            close_calendars(connection, merchant, None, now)
            have_all_audited(connection, merchant)
            if before:
                self._audit.record(connection, merchant, _describe(before.state, calendars), now)
                stopped = [(merchant,)] if before.stopped_at else []
                record_resumptions(connection, self._audit, CONNECTION, stopped, now)
        return before is not None

    def get(self, merchant: str) -> Disconnection | None:
        """Return what to clean up, or None if the merchant is not being disconnected."""
        with self._store.read() as session:
            row = session.exec(select_row(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
            return self._read(session, row) if row and row.state == _DISCONNECTED else None

    def finish(
        self, connection_id: str, calendars: CalendarChoice, *, grant_ended: bool = False, stopped: bool = False
    ) -> None:
        """Delete the tokens and all that was read from Google, once this choice for the calendars is carried out.

        A grant that is not ended is kept apart until it is. Nothing is deleted if the merchant has connected again, or
        has made another choice since. With ``stopped``, the audit log says that an operator has ended it.
        """
        now = self._store.now()
        cleared = dict.fromkeys(("refresh_token", "access_token", "access_expires_at", "account_email", "last_error"))
        with self._store.write() as connection:
            choice = _TABLE.c.disconnect_choice
            own = (_TABLE.c.id == connection_id, _TABLE.c.state == _DISCONNECTED, choice == calendars.value)
            done = {
                "scopes": "",
                "last_good_call_at": None,
                "disconnect_choice": None,
                "due_at": None,
                "overdue_since": None,
            }
            row = connection.execute(select(_TABLE).where(*own).with_for_update()).one_or_none()
            if row:
                if not grant_ended:
                    give_up(connection, self._keys, row, now)
                connection.execute(update(_TABLE).where(*own).values(**cleared, **done))
                # In the order in which picking writes: in another order, the two could deadlock.
                forget_busy_times(connection, self._keys, row.merchant, now)
                forget_account(connection, connection_id)
                if stopped and (record := record_stop(self._audit, DISCONNECTION, now)):
                    record(connection, (row.merchant,))

    def forget_account_keys(self, now: datetime) -> int:
        """Delete what tells accounts apart of disconnections that are done; return how many.

        As long as calendars that were created before count against the account's limit, it is kept.
        """
        done = (_TABLE.c.state == _DISCONNECTED, _TABLE.c.disconnect_choice.is_(None))
        old = (_TABLE.c.account_key.is_not(None), _TABLE.c.since < now - PERMIT_COUNT_WINDOW)
        with self._store.write() as connection:
            return connection.execute(update(_TABLE).where(*done, *old).values(account_key=None)).rowcount

    def is_unreadable(self, merchant: str) -> bool:
        """Return whether the merchant has a grant that no key opens."""
        with self._store.read() as session:
            row = session.exec(select_row(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
            return row is not None and self._is_unreadable(session, row)

    def is_shared(self, connection_id: str) -> bool:
        """Return whether another merchant uses the same account: Google revokes all its grants to us together."""
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
            return row is not None and is_account_used(session, self._keys, row.account_key, except_id=row.id)

    def get_account_key(self, connection_id: str) -> str | None:
        """Return what tells the connection's account apart, or None if that is not known."""
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
            return row.account_key if row else None

    def grant(self, connection_id: str) -> Grant:
        """Return the grant of a connection that is being disconnected.

        Raises:
            GrantLost: the grant is dead, or the merchant has connected again, or no key opens it: what cannot be read
                must hold up no disconnection.
        """
        with self._store.read() as session:
            row = session.get(ConnectionRow, connection_id)
            if row is None or row.state != _DISCONNECTED or row.refresh_token is None:
                raise GrantLost("the connection is not being disconnected any more", reason="departed")  # stored name
            try:
                return read_grant(session, self._keys, row)
            except Undecryptable:
                raise GrantLost("the grant cannot be read, so that it cannot be used", reason="undecryptable") from None

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime, grant_number: int) -> None:
        """Store the newest access token of the grant with this number for the rest of the cleaning up."""
        with self._store.write() as connection:
            encrypted = encrypt_access_token(connection, self._keys, connection_id, token)
            same = (_TABLE.c.state == _DISCONNECTED, _TABLE.c.grant_number == grant_number)
            own = update(_TABLE).where(_TABLE.c.id == connection_id, *same, _TABLE.c.refresh_token.is_not(None))
            connection.execute(own.values(access_token=encrypted, access_expires_at=expires_at))

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        """Return whether the holder may refresh the token now, and no other for this duration at most."""
        return self._leases.acquire(connection_id, holder, duration)

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Let the next holder refresh, if the lease is still this holder's."""
        self._leases.release(connection_id, holder)

    def _is_unreadable(self, session: Session, row: ConnectionRow) -> bool:
        try:
            if row.refresh_token is not None:
                read_grant(session, self._keys, row)
        except Undecryptable:
            return True
        return False

    def _read(self, session: Session, row: ConnectionRow) -> Disconnection:
        calendars = session.exec(select_row(ManagedCalendarRow).where(ManagedCalendarRow.merchant == row.merchant))
        return Disconnection(
            connection_id=row.id,
            alive=row.refresh_token is not None,
            unreadable=self._is_unreadable(session, row),
            shared=is_account_used(session, self._keys, row.account_key, except_id=row.id),
            calendars=tuple(map(_disconnected_calendar, calendars)),
            blocked=tuple(map(Owner.product, list_blocked_products(session, row.merchant))),
        )


def _disconnected_calendar(row: ManagedCalendarRow) -> DisconnectedCalendar:
    return DisconnectedCalendar(owner=Owner(kind=OwnerKind(row.kind), id=row.owner_id), calendar_id=row.calendar_id)


def _describe(state: str, calendars: CalendarChoice) -> AuditChange:
    after: AuditValues = {"state": _DISCONNECTED, "calendars": calendars.value}
    return AuditChange(action=AuditAction.DISCONNECTED, subject=CONNECTION, before={"state": state}, after=after)
