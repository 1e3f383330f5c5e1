"""Views of connections for merchants and operators."""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import ConnectionState, ConnectionView, missing_scopes
from slotsync.domain.connections.refused_grants import remedy_for
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.connections.account_keys import hash_account_key
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import AwaitedStep
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.tables.connections import ConnectionRow, PendingConsentRow

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownAccount:
    """The account that a merchant connected; a disconnection deletes ``email``, and ``key`` a bit later."""

    email: str | None
    key: str | None


LACKING: Final = "lacking"
"""The count of active connections for which the merchant did not allow all."""

_ACCOUNT_EMAIL: Final = table_of(ConnectionRow).c.account_email

NO_KEY_FITS: Final = "no_key_fits"
"""The error of a connection of which not even the account can be decrypted."""

_COUNTED: Final = (ConnectionState.ACTIVE.value, ConnectionState.REVOKED.value, ConnectionState.DISCONNECTED.value)


@dataclass(frozen=True)
class MerchantConnection:
    """A merchant with its connection; ``name`` is None if the platform gave none."""

    merchant: str
    name: str | None
    view: ConnectionView

    @property
    def remedy(self) -> str:
        """The remedy in plain words: who has to do what; empty if nobody has to."""
        view = self.view
        if view.state is ConnectionState.REVOKED:
            stopped = view.stopped_since is not None
            return remedy_for(view.last_error or "", forgotten=view.forgotten, stopped=stopped)
        return "The merchant has to connect again, and to allow what is missing." if view.missing else ""


class ConnectionViews:
    """Reads the state of connections, and which of the wanted scopes they lack."""

    def __init__(
        self, store: Store, vault: Vault, wanted: Iterable[str], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._wanted = frozenset(wanted)
        self._clock = clock

    def get_view(self, merchant: str) -> ConnectionView:
        """Return the merchant's connection; without one it is pending while a consent is open, else disconnected."""
        with self._store.read() as session:
            row = session.exec(select(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
            if row is None:
                return _view_absent(merchant, self._find_pending(session, [merchant]))
            email, readable = self._read_email(session, row)
        view = self._view(row)
        return view.model_copy(
            update={"account": email, "last_error": row.last_error if readable else row.last_error or NO_KEY_FITS}
        )

    def view_grant(self, grant: NewGrant) -> ConnectionView:
        """Return the view of a connection with a grant that was saved just now."""
        return ConnectionView(
            state=ConnectionState.ACTIVE,
            account=grant.account_email,
            granted=tuple(sorted(grant.scopes)),
            missing=missing_scopes(grant.scopes, self._wanted),
            since=self._clock(),
        )

    def get_account(self, merchant: str) -> KnownAccount | None:
        """Return the account that the merchant connected last, or None if it never did."""
        with self._store.read() as session:
            row = session.exec(select(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
            return KnownAccount(email=self._read_email(session, row)[0], key=row.account_key) if row else None

    def is_other(self, known: KnownAccount, account_key: str | None, email: str) -> bool:
        """Return whether the known account is certainly another one than this one."""
        with self._store.read() as session:
            one, other = (hash_account_key(session, self._keys, key) for key in (known.key, account_key))
        if one and other:
            return one != other
        return known.email is not None and known.email.lower() != email.lower()

    def list_merchants(
        self, limit: int, after: str = "", prefix: str = "", *, attention: bool = False
    ) -> list[MerchantConnection]:
        """Return the next merchants with ids that begin with ``prefix``, in the order of ids, with their connections.

        With ``attention`` only those with a connection that needs somebody: Google refuses the grant, or the merchant
        did not allow all. Accounts are left out.
        """
        merchant, connection = table_of(MerchantRow), table_of(ConnectionRow)
        query = select(MerchantRow, ConnectionRow).outerjoin(ConnectionRow).where(merchant.c.id > after)
        if prefix:
            # Not LIKE, for which SQLite takes upper and lower case as the same.
            query = query.where(func.substr(merchant.c.id, 1, len(prefix)) == prefix)
        with self._store.read() as session:
            if attention:
                lacking = connection.c.scopes.in_(self._find_lacking(session))
                active = connection.c.state == ConnectionState.ACTIVE.value
                refused = connection.c.state == ConnectionState.REVOKED.value
                query = query.where(or_(refused, and_(active, lacking)))
            rows = session.exec(query.order_by(merchant.c.id).limit(limit)).all()
            pending = self._find_pending(session, [row.id for row, _ in rows])
        return [MerchantConnection(row.id, row.name, self._of_row(row.id, found, pending)) for row, found in rows]

    def count_states(self) -> dict[str, int]:
        """Return how many connections are in each state; of the active ones, how many lack something (``lacking``)."""
        query = select(ConnectionRow.state, ConnectionRow.scopes, func.count())
        with self._store.read() as session:
            found = session.exec(query.group_by(col(ConnectionRow.state), col(ConnectionRow.scopes))).all()
        counts = dict.fromkeys((*_COUNTED, LACKING), 0)
        for state, scopes, count in found:
            active = state == ConnectionState.ACTIVE
            counts[LACKING if active and missing_scopes(scopes.split(), self._wanted) else state] += count
        return counts

    def _find_lacking(self, session: Session) -> list[str]:
        """Return the scopes, as they are stored, of active connections that lack something: there are few kinds."""
        active = select(ConnectionRow.scopes).where(ConnectionRow.state == ConnectionState.ACTIVE).distinct()
        return [scopes for scopes in session.exec(active) if missing_scopes(scopes.split(), self._wanted)]

    def _of_row(self, merchant: str, row: ConnectionRow | None, pending: Collection[str]) -> ConnectionView:
        return self._view(row) if row else _view_absent(merchant, pending)

    def _view(self, row: ConnectionRow) -> ConnectionView:
        """Return the view without the account, which nothing has to be decrypted for."""
        state, granted = ConnectionState(row.state), tuple(row.scopes.split())
        return ConnectionView(
            state=state,
            granted=granted,
            missing=missing_scopes(granted, self._wanted) if state is ConnectionState.ACTIVE else (),
            last_good_call_at=row.last_good_call_at,
            last_error=row.last_error,
            since=row.since,
            stopped_since=row.stopped_at,
            cleaning_up=row.disconnect_choice is not None,
            forgotten=state is ConnectionState.REVOKED and row.refresh_token is None,
        )

    def _read_email(self, session: Session, row: ConnectionRow | None) -> tuple[str | None, bool]:
        """Return the address of the account, None if there is none, and whether it could be read."""
        if row is None or row.account_email is None:
            return None, True
        try:
            return self._keys.decrypt(session, cell(_ACCOUNT_EMAIL, row.merchant), row.account_email), True
        except Undecryptable as error:
            logger.error("the account of %s cannot be read: %s", row.merchant, error)  # noqa: TRY400  says all
            return None, False

    def _find_pending(self, session: Session, merchants: Collection[str]) -> set[str]:
        """Return those of the merchants that have a consent which may still connect them."""
        if not merchants:
            return set()
        consent = table_of(PendingConsentRow).c
        waits = (consent.expires_at > self._clock(), consent.kind != AwaitedStep.END.value)
        return {*session.exec(select(PendingConsentRow.merchant).where(consent.merchant.in_(merchants), *waits))}


def _view_absent(merchant: str, pending: Collection[str]) -> ConnectionView:
    """Return the view of a merchant that never had a connection."""
    return ConnectionView(state=ConnectionState.PENDING if merchant in pending else ConnectionState.DISCONNECTED)
