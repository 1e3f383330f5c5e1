"""The grants of merchants to Google accounts. Secrets go in and come out in plain, and rest sealed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Executable, update
from sqlmodel import Session, col, select

from slotsync.errors import GrantLost
from slotsync.rules.connection import ConnectionState
from slotsync.secrets import Vault
from slotsync.store.merchants import ensure_merchant
from slotsync.store.store import Store
from slotsync.store.tables import ConnectionRow
from slotsync.store.upsert import Insert, Upsert, table_of

_TABLE = table_of(ConnectionRow)
_ACTIVE = ConnectionState.ACTIVE.value


def _replace_grant(insert: Insert) -> Executable:
    granted = {
        name: insert.excluded[name]
        for name in (
            "state",
            "account_email",
            "scopes",
            "refresh_token",
            "access_token",
            "access_expires_at",
            "last_error",
            "since",
        )
    }
    return insert.on_conflict_do_update(index_elements=["merchant"], set_=granted).returning(_TABLE.c.id)


_SAVE = Upsert(_TABLE, _replace_grant)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, repr=False)
class Grant:
    """What a merchant granted. It has no repr, so that no token is logged by accident."""

    refresh_token: str
    access_token: str | None
    expires_at: datetime | None
    scopes: frozenset[str]


class Connections:
    """Keeps the grant of each merchant, and how it is doing."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = _utc_now) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def save_grant(self, merchant: str, refresh_token: str, scopes: Iterable[str], account_email: str) -> str:
        """Makes the merchant's connection active; the id of it, which a merchant keeps over all grants."""
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            saved = _SAVE.run(
                connection,
                id=str(uuid4()),
                merchant=merchant,
                state=_ACTIVE,
                account_email=self._vault.seal(account_email),
                scopes=" ".join(sorted(scopes)),
                refresh_token=self._vault.seal(refresh_token),
                access_token=None,
                access_expires_at=None,
                last_error=None,
                since=self._clock(),
            )
            return str(saved)

    def active_id(self, merchant: str) -> str | None:
        """The merchant's connection, while it is active."""
        with self._store.read() as session:
            row = _of(session, merchant)
            return row.id if row and row.state == _ACTIVE else None

    def state(self, merchant: str) -> ConnectionState:
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
        return Grant(
            refresh_token=self._vault.open(row.refresh_token),
            access_token=self._vault.open(row.access_token) if row.access_token else None,
            expires_at=row.access_expires_at,
            scopes=frozenset(row.scopes.split()),
        )

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime) -> None:
        """Keeps the newest access token for every thread and process."""
        self._change(connection_id, access_token=self._vault.seal(token), access_expires_at=expires_at)

    def mark_good_call(self, connection_id: str, at: datetime) -> None:
        """Notes that Google answered."""
        self._change(connection_id, last_good_call_at=at)

    def mark_revoked(self, connection_id: str, reason: str, at: datetime) -> None:
        """Notes that the grant is dead, unless a newer one was saved since ``at``, when the failed call began."""
        dead = {"state": ConnectionState.REVOKED.value, "last_error": reason, "since": at}
        no_tokens = {"refresh_token": None, "access_token": None, "access_expires_at": None}
        alive = (_TABLE.c.id == connection_id, _TABLE.c.state == _ACTIVE, _TABLE.c.since <= at)
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(*alive).values(**dead, **no_tokens))

    def _change(self, connection_id: str, **values: object) -> None:
        with self._store.write() as connection:
            connection.execute(
                update(_TABLE).where(_TABLE.c.id == connection_id, _TABLE.c.state == _ACTIVE).values(**values)
            )


def _of(session: Session, merchant: str) -> ConnectionRow | None:
    return session.exec(select(ConnectionRow).where(col(ConnectionRow.merchant) == merchant)).first()
