"""Connections as merchants and operators see them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import Account, ConnectionState, ConnectionView, missing_scopes
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import ConnectionRow, PendingConsentRow


@dataclass(frozen=True)
class KnownAccount:
    """The account that a merchant connected; ``email`` is forgotten with a disconnection, ``key`` is not."""

    email: str | None
    key: str | None

    def is_other_than(self, account: Account) -> bool:
        """Whether it is surely not this account."""
        if self.key:
            return self.key != account.key
        return self.email is not None and self.email.lower() != account.email.lower()


class ConnectionViews:
    """Reads the state of connections, for calls that want these scopes."""

    def __init__(
        self, store: Store, vault: Vault, wanted: Iterable[str], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._store = store
        self._vault = vault
        self._wanted = frozenset(wanted)
        self._clock = clock

    def get_view(self, merchant: str) -> ConnectionView:
        """The merchant's connection; pending while a first consent is open, disconnected if there never was one."""
        with self._store.read() as session:
            row = session.exec(select(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
            asked = self._is_asked(session, merchant)
        absent = ConnectionState.PENDING if asked else ConnectionState.DISCONNECTED
        if row is None:
            return ConnectionView(state=absent)
        gone = row.state == ConnectionState.DISCONNECTED
        return self._view(row, absent if gone else ConnectionState(row.state))

    def get_account(self, merchant: str) -> KnownAccount | None:
        """The account that the merchant connected last; nothing if it never did."""
        with self._store.read() as session:
            row = session.exec(select(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
        return KnownAccount(email=self._email(row), key=row.account_key) if row else None

    def _view(self, row: ConnectionRow, state: ConnectionState) -> ConnectionView:
        granted = tuple(row.scopes.split())
        return ConnectionView(
            state=state,
            account=self._email(row),
            granted=granted,
            missing=missing_scopes(granted, self._wanted) if state is ConnectionState.ACTIVE else (),
            last_good_call_at=row.last_good_call_at,
            last_error=row.last_error,
            since=row.since,
        )

    def _email(self, row: ConnectionRow) -> str | None:
        return self._vault.decrypt(row.account_email) if row.account_email else None

    def _is_asked(self, session: Session, merchant: str) -> bool:
        open_now = (PendingConsentRow.merchant == merchant, col(PendingConsentRow.expires_at) > self._clock())
        return session.exec(select(PendingConsentRow).where(*open_now)).first() is not None
