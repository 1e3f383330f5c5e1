"""Messages to the platform, kept until the platform has accepted them."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from slotsync.secrets import Vault
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.tables.availability import WebhookMessageRow

_TABLE = table_of(WebhookMessageRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())


class WebhookMessages:
    """Stores each message, encrypted, until it is accepted."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def put(self, connection: Connection, message_id: str, merchant: str, body: str, now: datetime) -> None:
        """Record a message within a transaction, unless one with this id is recorded already."""
        ensure_merchant(connection, merchant)
        _PUT.run(connection, id=message_id, merchant=merchant, body=self._vault.encrypt(body), created_at=now)

    def get_body(self, message_id: str) -> str | None:
        """Return the body of a message, or None once it was accepted."""
        with self._store.read() as session:
            row = session.get(WebhookMessageRow, message_id)
        return self._vault.decrypt(row.body) if row and row.body else None

    def forget(self, message_id: str) -> None:
        """Delete a message that was accepted."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.id == message_id))

    def withdraw(self, connection: Connection, message_id: str | None) -> str | None:
        """Delete a message within a transaction; return its body, or None if it was accepted already."""
        own = _TABLE.c.id == message_id
        body = connection.execute(select(_TABLE.c.body).where(own)).scalar()
        connection.execute(delete(_TABLE).where(own))
        return self._vault.decrypt(body) if body else None

    def find_ids(self, connection: Connection, prefix: str) -> list[str]:
        """Return the ids that begin with the prefix, within a transaction, in no order."""
        query = select(_TABLE.c.id).where(_TABLE.c.id.startswith(prefix, autoescape=True))
        return [*connection.execute(query).scalars()]
