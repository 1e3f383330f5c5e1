"""Notices of grants: that Google refuses one, reminders, and that it works again; each is stored as a message."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from slotsync.domain.availability.messages import merchants_messages
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.refused_grants import remedy_for
from slotsync.domain.webhooks import (
    ALL_TYPES,
    ConnectionActive,
    ConnectionReminder,
    ConnectionRevoked,
    WebhookData,
    WebhookType,
)
from slotsync.secrets import Vault
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import ConnectionRow
from slotsync.store.webhook_messages import MessageContent, MessageOrder, WebhookMessages

_TABLE = table_of(ConnectionRow)

_MAX_NOTICES: Final = 100
"""More than there are of one grant: messages are ordered by grant, then by notice."""


class GrantNotices:
    """Stores what the platform is told of grants. Without ``webhooks`` it is told nothing."""

    def __init__(
        self, store: Store, vault: Vault, *, webhooks: bool, types: Collection[WebhookType] = ALL_TYPES
    ) -> None:
        self._store = store
        self._messages = WebhookMessages(store, vault, types)
        self._webhooks = webhooks

    def count_waiting(self, merchant: str) -> int:
        """Return how many messages about the merchant's grants wait for the platform."""
        return self._messages.count(merchants_messages(merchant))

    def record_refusal(self, merchant: str, grant_number: int, number: int, now: datetime) -> None:
        """Record, once, that the refusal of this grant is told for the ``number``-th time.

        Nothing is recorded once there is another grant. Notices that were missed are not made up for.
        """
        own = select(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.grant_number == grant_number)
        refused = own.where(_TABLE.c.state == ConnectionState.REVOKED.value, _TABLE.c.notices < number)
        with self._store.write() as connection:
            row = connection.execute(refused.with_for_update()).one_or_none()
            if row is None:
                return
            connection.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(notices=number))
            self._put(connection, row, number, _refusal(row, now), now)

    def record_served(self, merchant: str, grant_number: int, woken: int, now: datetime) -> None:
        """Record that the work that waited for this grant was signalled, so much, unless there is a newer grant.

        After a refusal that was told, this is told as well.
        """
        own = select(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.grant_number == grant_number)
        with self._store.write() as connection:
            row = connection.execute(own.with_for_update()).one_or_none()
            if row is None:
                return
            served = {"served_grant": grant_number, "resume_all": False, "notices": 0, "mailed": 0}
            connection.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(**served))
            if row.notices:
                self._put(connection, row, 0, ConnectionActive(merchant=merchant, caught_up=woken), now)

    def _put(self, connection: Connection, row: Row[Any], number: int, data: WebhookData, now: datetime) -> None:
        if self._webhooks:
            self._messages.put(
                connection,
                f"msg_grant_{row.id}_{row.grant_number}_{number}",
                merchants_messages(row.merchant),
                MessageOrder(number=row.grant_number * _MAX_NOTICES + number, place=1),
                MessageContent.build(data, now),
                now,
            )


def _refusal(row: Row[Any], now: datetime) -> ConnectionRevoked | ConnectionReminder:
    reason = row.last_error or "revoked"
    remedy = remedy_for(reason, forgotten=row.refresh_token is None)
    known = {"merchant": row.merchant, "reason": reason, "remedy": remedy, "since": row.since}
    if row.notices:
        return ConnectionReminder(**known, days=(now - row.since).days)
    return ConnectionRevoked(**known)
