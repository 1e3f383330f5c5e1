"""Views of connections for merchants and operators."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import ConnectionState, ConnectionView, missing_scopes
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import ConnectionRow, PendingConsentRow


@dataclass(frozen=True)
class KnownAccount:
    """The account that a merchant connected; a disconnection deletes ``email``, but not ``key``."""

    email: str | None
    key: str | None

    def is_other_than(self, key: str | None, email: str) -> bool:
        """Return whether it is certainly another account than this one."""
        if self.key and key:
            return self.key != key
        return self.email is not None and self.email.lower() != email.lower()


class ConnectionViews:
    """Reads the state of connections, and which of the wanted scopes they lack."""

    def __init__(
        self, store: Store, vault: Vault, wanted: Iterable[str], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._store = store
        self._vault = vault
        self._wanted = frozenset(wanted)
        self._clock = clock

    def get_view(self, merchant: str) -> ConnectionView:
        """Return the merchant's connection; pending while a consent is open, disconnected if there never was one."""
        with self._store.read() as session:
            row = session.exec(select(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
            pending = self._has_open_consent(session, merchant)
        absent = ConnectionState.PENDING if pending else ConnectionState.DISCONNECTED
        if row is None:
            return ConnectionView(state=absent)
        disconnected = row.state == ConnectionState.DISCONNECTED
        return self._view(row, absent if disconnected else ConnectionState(row.state))

    def get_account(self, merchant: str) -> KnownAccount | None:
        """Return the account that the merchant connected last, or None if it never did."""
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
            stopped_since=row.stopped_at,
            cleaning_up=row.disconnect_choice is not None,
        )

    def _email(self, row: ConnectionRow) -> str | None:
        return self._vault.decrypt(row.account_email) if row.account_email else None

    def _has_open_consent(self, session: Session, merchant: str) -> bool:
        open_now = (PendingConsentRow.merchant == merchant, col(PendingConsentRow.expires_at) > self._clock())
        return session.exec(select(PendingConsentRow).where(*open_now)).first() is not None
