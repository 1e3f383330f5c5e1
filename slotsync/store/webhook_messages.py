"""Messages to the platform, kept until they are accepted."""

from datetime import datetime

from sqlalchemy import Connection, delete

from slotsync.secrets import Vault
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.tables.availability import WebhookMessageRow

_TABLE = table_of(WebhookMessageRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())


class WebhookMessages:
    """Keeps each message, sealed, until it is accepted."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def put(self, connection: Connection, message_id: str, merchant: str, body: str, now: datetime) -> None:
        """Notes a message within a transaction; nothing changes when there is one with this id already."""
        ensure_merchant(connection, merchant)
        _PUT.run(connection, id=message_id, merchant=merchant, body=self._vault.encrypt(body), created_at=now)

    def body(self, message_id: str) -> str | None:
        """What the message says; nothing once it was accepted."""
        with self._store.read() as session:
            row = session.get(WebhookMessageRow, message_id)
        return self._vault.decrypt(row.body) if row and row.body else None

    def accepted(self, message_id: str) -> None:
        """Forgets a message that has arrived."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.id == message_id))
