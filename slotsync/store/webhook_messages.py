"""Messages to the platform: those that wait until it has accepted them, and the attempts to deliver them."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from slotsync.domain.availability.messages import ProductKey, merchants_messages
from slotsync.domain.webhooks import (
    ALL_TYPES,
    Attempt,
    ConflictFound,
    DriftFound,
    MessageState,
    Webhook,
    WebhookData,
    WebhookType,
    build_webhook,
)
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.due_rows import DueRows
from slotsync.store.database.engine import Store
from slotsync.store.erasures import count_deleted
from slotsync.store.merchants import ensure_merchant_at_work
from slotsync.store.reservations.booked_times import MARK_INTERVAL
from slotsync.store.tables.webhooks import WebhookAttemptRow, WebhookMessageRow

FIRST_ATTEMPT_MARGIN: Final = timedelta(minutes=5)
"""The time within which a new message should have been sent at least once."""

ATTEMPT_MARGIN: Final = timedelta(hours=2)
"""The time after an attempt when the sweep takes over: longer than a delivery waits for its next attempt, by
``activities.webhooks.MAX_RETRY_DELAY``."""

MAX_ATTEMPTS_KEPT: Final = 50
"""The last attempts of a message, which are kept."""

_TABLE = table_of(WebhookMessageRow)
_ATTEMPTS = table_of(WebhookAttemptRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())

IS_WAITING: Final = _TABLE.c.state == MessageState.WAITING.value


class MessageOrder(NamedTuple):
    """The order of a product's messages: the number of the publication, and the place in it, 0 for availability."""

    number: int
    place: int


class MessageContent(NamedTuple):
    """The content of a message; ``body`` is JSON."""

    type: WebhookType
    body: str

    @classmethod
    def build(cls, data: WebhookData, now: datetime) -> Self:
        """Return the content of a message with this data, of what has happened now."""
        webhook = build_webhook(data, now)
        return cls(webhook.type, webhook.model_dump_json())


class StoredMessage(NamedTuple):
    """A message to deliver. ``body`` is None if it cannot be read any more."""

    id: str
    body: str | None


class WebhookMessages:
    """Stores each message of these types, encrypted: until it is accepted, and for a while after that."""

    def __init__(self, store: Store, vault: Vault, types: Collection[WebhookType] = ALL_TYPES) -> None:
        self._store = store
        self._types = types
        self._keys = DataKeys(vault)
        self.due_rows = DueRows(store, _TABLE, "merchant", "product")

    def put(  # noqa: PLR0913, PLR0917  all that a message consists of
        self,
        connection: Connection,
        message_id: str,
        key: ProductKey,
        order: MessageOrder,
        content: MessageContent,
        now: datetime,
    ) -> None:
        """Record a message within a transaction, unless one with this id is recorded, or its type is turned off."""
        if content.type not in self._types:
            return
        ensure_merchant_at_work(connection, key.merchant)
        body = self._keys.for_writing(connection, key.merchant).encrypt(_TABLE.c.body, content.body, id=message_id)
        times = {"created_at": now, "due_at": now + FIRST_ATTEMPT_MARGIN}
        _PUT.run(connection, id=message_id, **dict(key), **order._asdict(), type=content.type.value, body=body, **times)

    def take_next(self, key: ProductKey, now: datetime) -> StoredMessage | None:
        """Return the product's next message, or None if none waits. From now on nothing replaces it."""
        first = select(_TABLE.c.id).where(*_waits(key)).order_by(_TABLE.c.number, _TABLE.c.place).limit(1)
        attempted = {"attempted_at": func.coalesce(_TABLE.c.attempted_at, now), "due_at": now + ATTEMPT_MARGIN}
        own = update(_TABLE).where(_TABLE.c.id == first.scalar_subquery()).values(**attempted)
        with self._store.write() as connection:
            row = connection.execute(own.returning(_TABLE.c.id, _TABLE.c.body)).one_or_none()
            return StoredMessage(row.id, self._read(connection, key, row)) if row else None

    def record_attempt(self, merchant: str, message_id: str, attempt: Attempt) -> None:
        """Record an attempt to deliver a message, which waits no more if the platform has accepted it.

        Nothing is recorded of a message that was dropped meanwhile.
        """
        counted: dict[str, object] = {"attempts": _TABLE.c.attempts + 1, "last_status": attempt.status}
        if attempt.is_accepted:
            counted |= {"state": MessageState.ACCEPTED.value, "settled_at": attempt.at, "due_at": None}
        change = update(_TABLE).where(_TABLE.c.id == message_id, _TABLE.c.merchant == merchant).values(**counted)
        with self._store.write() as connection:
            number = connection.execute(change.returning(_TABLE.c.attempts)).scalar()
            if number is not None:
                self._put_attempt(connection, merchant, message_id, number, attempt)

    def _put_attempt(
        self, connection: Connection, merchant: str, message_id: str, number: int, attempt: Attempt
    ) -> None:
        row = {"message": message_id, "number": number}
        own = self._keys.for_writing(connection, merchant)
        answer = own.encrypt(_ATTEMPTS.c.answer, attempt.answer, **row) if attempt.answer else None
        known = attempt.model_dump(exclude={"answer"})
        connection.execute(insert(_ATTEMPTS).values(**row, **known, answer=answer))
        old = (_ATTEMPTS.c.message == message_id, _ATTEMPTS.c.number <= number - MAX_ATTEMPTS_KEPT)
        connection.execute(delete(_ATTEMPTS).where(*old))

    def give_up_unreadable(self, message_id: str, now: datetime) -> None:
        """Record that a message can be read with no key: it is not sent."""
        settled = {"state": MessageState.UNREADABLE.value, "settled_at": now, "due_at": None}
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(_TABLE.c.id == message_id, IS_WAITING).values(**settled))

    def delete_settled(self, before: datetime, limit: int) -> int:
        """Delete messages, up to ``limit``, that wait no more since before this time; return how many."""
        old = select(_TABLE.c.id).where(_TABLE.c.settled_at < before, ~IS_WAITING).limit(limit)
        with self._store.write() as connection:
            return connection.execute(delete(_TABLE).where(_TABLE.c.id.in_(old))).rowcount

    def forget_reservation(self, merchant: str, reservation: str) -> None:
        """Delete the messages that tell of a reservation's conflicts or drift; they are counted in its erasure."""
        own = (_TABLE.c.merchant == merchant, _TABLE.c.place > 0)
        with self._store.write() as connection:
            rows = connection.execute(select(_TABLE.c.id, _TABLE.c.body).where(*own)).all()
            told = [row.id for row in rows if self._tells_of(connection, merchant, row, reservation)]
            deleted = connection.execute(delete(_TABLE).where(_TABLE.c.id.in_(told))).rowcount
            if deleted:
                count_deleted(connection, (merchant, reservation), _TABLE.name, deleted)

    def _tells_of(self, connection: Connection, merchant: str, row: Row[*tuple[Any, ...]], reservation: str) -> bool:
        """Return whether a message tells of the reservation; one that no key opens is never sent."""
        with suppress(Undecryptable):
            place = cell(_TABLE.c.body, merchant, id=row.id)
            data = Webhook.model_validate_json(self._keys.decrypt(connection, place, row.body or "")).data
            if isinstance(data, DriftFound):
                return any(each.reservation == reservation for each in data.drifts)
            return isinstance(data, ConflictFound) and data.reservation == reservation
        return False

    def count(self, key: ProductKey) -> int:
        """Return how many messages about the product wait."""
        with self._store.read() as session:
            return count_messages(session.connection(), key)

    def withdraw_newest(self, connection: Connection, key: ProductKey) -> str | None:
        """Delete the newest message about availability within a transaction, and return its body.

        Return None if there is none, or if its delivery was tried already.
        """
        replaceable = (*_waits(key), _TABLE.c.place == 0, _TABLE.c.attempted_at.is_(None))
        found = select(_TABLE.c.id, _TABLE.c.body).where(*replaceable)
        newest = found.order_by(_TABLE.c.number.desc()).limit(1).with_for_update()
        row = connection.execute(newest).one_or_none()
        if row is None:
            return None
        connection.execute(delete(_TABLE).where(_TABLE.c.id == row.id))
        return self._read(connection, key, row)

    def find_due(self, now: datetime) -> list[ProductKey]:
        """Return the products with a message of which the delivery should have been tried by now."""
        return [ProductKey(merchant=merchant, product=product) for merchant, product in self.due_rows.find(now)]

    def count_overdue(self, before: datetime) -> int:
        """Return how many messages have waited for the platform since before this time."""
        with self._store.read() as session:
            overdue = select(func.count()).where(IS_WAITING, _TABLE.c.created_at < before)
            return session.connection().execute(overdue).scalar_one()

    def find_products(self) -> list[ProductKey]:
        """Return all products with messages that wait."""
        query = select(_TABLE.c.merchant, _TABLE.c.product).where(IS_WAITING).distinct()
        with self._store.read() as session:
            rows = session.connection().execute(query)
            return [ProductKey(merchant=merchant, product=product) for merchant, product in rows]

    def _read(self, connection: Connection, key: ProductKey, row: Row[*tuple[Any, ...]]) -> str | None:
        place = cell(_TABLE.c.body, key.merchant, id=row.id)
        return self._keys.decrypt(connection, place, row.body) if row.body else None


def drop_messages(connection: Connection, merchant: str, product: str | None = None) -> set[str]:
    """Delete all messages about the merchant's products, or one of them; return the products for which any waited.

    Within a transaction. What takes their place has a higher number: the platform gets that after what it has accepted.
    """
    about_products = (_TABLE.c.merchant == merchant, _TABLE.c.product != merchants_messages(merchant).product)
    dropped = delete(_TABLE).where(*about_products).returning(_TABLE.c.product, IS_WAITING.label("waited"))
    own = dropped if product is None else dropped.where(_TABLE.c.product == product)
    return {row.product for row in connection.execute(own) if row.waited}


def find_first_untold(connection: Connection, key: ProductKey) -> datetime | None:
    """Return since when the first conflict of the product has been marked of which a message waits, None if none does.

    Messages about conflicts have the places from 1 on, in the order in which those were marked.
    """
    query = select(_TABLE.c.created_at, _TABLE.c.place).where(*_waits(key), _TABLE.c.place > 0)
    first = connection.execute(query.order_by(_TABLE.c.number, _TABLE.c.place).limit(1)).one_or_none()
    return first.created_at + MARK_INTERVAL * (first.place - 1) if first else None


def count_messages(connection: Connection, key: ProductKey, number: int | None = None) -> int:
    """Return how many messages about the product wait, or how many of one publication."""
    query = select(func.count()).where(*_waits(key))
    found = connection.execute(query if number is None else query.where(_TABLE.c.number == number))
    return int(found.scalar_one())


def count_conflicts(connection: Connection, key: ProductKey, number: int) -> int:
    """Return how many messages about conflicts of one publication wait."""
    query = select(func.count()).where(*_waits(key), _TABLE.c.number == number, _TABLE.c.place > 0)
    return int(connection.execute(query).scalar_one())


def _waits(key: ProductKey) -> Sequence[ColumnElement[bool]]:
    return IS_WAITING, _TABLE.c.merchant == key.merchant, _TABLE.c.product == key.product
