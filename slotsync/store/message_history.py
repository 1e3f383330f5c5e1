"""The messages to the platform that are kept: they can be listed, sent again, and skipped."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, case, func, or_, select, tuple_, update
from sqlmodel import Session

from slotsync.domain.audit import AuditAction, AuditChange
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.kept_messages import KeptAttempt, MessageFilter, MessageLine, MessageView
from slotsync.domain.webhooks import MessageState
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.tables.webhooks import WebhookAttemptRow, WebhookMessageRow
from slotsync.store.webhook_messages import IS_WAITING

_TABLE = table_of(WebhookMessageRow)
_ATTEMPTS = table_of(WebhookAttemptRow)
_ORDER: Final = (_TABLE.c.created_at, _TABLE.c.id)

SENDABLE: Final = frozenset({MessageState.ACCEPTED, MessageState.SKIPPED})
"""The states of messages that can be sent again."""


LATE_AFTER: Final = timedelta(minutes=10)
"""Some attempts have failed by then, or none was made."""

MAX_USUAL_WAIT: Final = timedelta(days=3)
"""After this time somebody should look at a message that the platform has not accepted."""

GONE: Final = 410
"""The status with which a receiver says that it wants no messages any more."""


class MessageCounts(NamedTuple):
    """The messages that wait; ``late`` are those of them that wait for minutes.

    ``refused`` are those that wait for days, or that a receiver refuses for good.
    """

    waiting: int
    late: int
    refused: int


class MessageHistory:
    """Reads the messages of a merchant, and has them sent again or skipped; both stand in the audit log."""

    def __init__(self, store: Store, vault: Vault, audit: AuditLog) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._audit = audit

    def list_messages(
        self, merchant: str, chosen: MessageFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[MessageLine]:
        """Return messages that are kept, the oldest first; those after a time and an id, if given."""
        query = select(_TABLE).where(*_chosen(merchant, chosen)).order_by(*_ORDER).limit(limit)
        if after:
            query = query.where(tuple_(*_ORDER) > tuple_(*after))
        with self._store.read() as session:
            return [_line(row) for row in session.connection().execute(query)]

    def get(self, merchant: str, message_id: str) -> MessageView | None:
        """Return a message with its attempts, or None if it is not kept, or another merchant's."""
        query = select(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.id == message_id)
        with self._store.read() as session:
            row = session.connection().execute(query).one_or_none()
            return self._view(session, row) if row else None

    def resend(self, merchant: str, chosen: MessageFilter, now: datetime) -> list[ProductKey]:
        """Have all chosen messages sent again that were accepted or skipped; return a key for each of them.

        They are sent in their former order, before all that waits about the same product and is newer.
        """
        waiting = {
            "state": MessageState.WAITING.value,
            "settled_at": None,
            "due_at": now,
            "attempted_at": func.coalesce(_TABLE.c.attempted_at, now),
        }
        sendable = _TABLE.c.state.in_([each.value for each in SENDABLE])
        change = update(_TABLE).where(*_chosen(merchant, chosen), sendable).values(**waiting)
        with self._store.write() as connection:
            products = connection.execute(change.returning(_TABLE.c.product)).scalars().all()
            if products:
                self._record_resent(connection, merchant, chosen, len(products), now)
        return [ProductKey(merchant=merchant, product=each) for each in products]

    def skip(self, merchant: str, message_id: str, reason: str, now: datetime) -> ProductKey | None:
        """Give up a message that waits, for this reason; return its key, or None if it does not wait.

        An attempt that is in flight may still be accepted; then it is.
        """
        skipped = {"state": MessageState.SKIPPED.value, "settled_at": now, "due_at": None}
        own = (_TABLE.c.id == message_id, _TABLE.c.merchant == merchant, IS_WAITING)
        with self._store.write() as connection:
            product = connection.execute(
                update(_TABLE).where(*own).values(**skipped).returning(_TABLE.c.product)
            ).scalar()
            if product is None:
                return None
            subject, why = f"message:{message_id}", {"reason": reason}
            skipping = AuditChange(action=AuditAction.MESSAGE_SKIPPED, subject=subject, after=why)
            self._audit.record(connection, merchant, skipping, now)
        return ProductKey(merchant=merchant, product=product)

    def count(self, now: datetime) -> MessageCounts:
        """Return how many messages of all merchants wait, and how many of them the platform seems never to take."""
        refused = or_(_TABLE.c.created_at < now - MAX_USUAL_WAIT, _TABLE.c.last_status == GONE)
        late = _TABLE.c.created_at < now - LATE_AFTER
        query = select(func.count(), func.count(case((late, 1))), func.count(case((refused, 1)))).where(IS_WAITING)
        with self._store.read() as session:
            return MessageCounts(*session.connection().execute(query).one())

    def _record_resent(
        self, connection: Connection, merchant: str, chosen: MessageFilter, count: int, now: datetime
    ) -> None:
        limits = {name: str(value) for name, value in chosen.model_dump(mode="json").items() if value is not None}
        subject = f"message:{limits.pop('id')}" if chosen.id else "messages"
        change = AuditChange(action=AuditAction.MESSAGES_RESENT, subject=subject, after={"count": count, **limits})
        self._audit.record(connection, merchant, change, now)

    def _view(self, session: Session, row: Row[Any]) -> MessageView:
        own = select(_ATTEMPTS).where(_ATTEMPTS.c.message == row.id).order_by(_ATTEMPTS.c.number)
        attempts = session.connection().execute(own).all()
        body = self._decrypt(session, row.merchant, _TABLE.c.body, row.body, id=row.id)
        return MessageView(
            **dict(_line(row)),
            body=json.loads(body) if body else None,
            last_attempts=tuple(self._attempts(session, row.merchant, attempts)),
        )

    def _attempts(self, session: Session, merchant: str, rows: Sequence[Row[Any]]) -> Iterator[KeptAttempt]:
        for row in rows:
            place = {"message": row.message, "number": row.number}
            answer = self._decrypt(session, merchant, _ATTEMPTS.c.answer, row.answer, **place)
            yield KeptAttempt(
                number=row.number,
                at=row.at,
                duration_ms=row.duration_ms,
                status=row.status,
                failure=row.failure,
                answer=answer,
            )

    def _decrypt(
        self, session: Session, merchant: str, column: Any, encrypted: str | None, **row: object
    ) -> str | None:
        with suppress(Undecryptable):
            return self._keys.decrypt(session, cell(column, merchant, **row), encrypted) if encrypted else None
        return None


def _chosen(merchant: str, chosen: MessageFilter) -> list[ColumnElement[bool]]:
    """Return the conditions for the merchant's messages that are chosen."""
    conditions = [_TABLE.c.merchant == merchant]
    equal = {"id": chosen.id, "type": chosen.type, "product": chosen.product, "state": chosen.state}
    conditions += [_TABLE.c[name] == value for name, value in equal.items() if value is not None]
    if chosen.start:
        conditions.append(_TABLE.c.created_at >= chosen.start)
    if chosen.end:
        conditions.append(_TABLE.c.created_at < chosen.end)
    return conditions


def _line(row: Row[Any]) -> MessageLine:
    return MessageLine(
        id=row.id,
        type=row.type,
        product=row.product or None,
        state=row.state,
        created_at=row.created_at,
        settled_at=row.settled_at,
        attempts=row.attempts,
        last_status=row.last_status,
    )
