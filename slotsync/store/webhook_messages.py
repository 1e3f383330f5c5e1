"""Messages to the platform, kept until the platform has accepted them."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from slotsync.domain.availability.messages import ProductKey, merchants_messages
from slotsync.domain.webhooks import ConflictFound, Webhook
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.due_rows import DueRows
from slotsync.store.database.engine import Store
from slotsync.store.erasures import count_deleted
from slotsync.store.merchants import ensure_merchant_at_work
from slotsync.store.tables.availability import WebhookMessageRow

FIRST_ATTEMPT_MARGIN: Final = timedelta(minutes=5)
"""The time within which a new message should have been sent at least once."""

ATTEMPT_MARGIN: Final = timedelta(hours=2)
"""The time after an attempt when the sweep takes over: longer than a delivery waits for its next attempt, by
``activities.webhooks.MAX_RETRY_DELAY``."""

_TABLE = table_of(WebhookMessageRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())


class MessageOrder(NamedTuple):
    """The order of a product's messages: the number of the publication, and the place in it, 0 for availability."""

    number: int
    place: int


class StoredMessage(NamedTuple):
    """A message to deliver. ``body`` is None if it cannot be read any more."""

    id: str
    body: str | None


class WebhookMessages:
    """Stores each message, encrypted, until it is accepted."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self.due_rows = DueRows(store, _TABLE, "merchant", "product")

    def put(  # noqa: PLR0913, PLR0917  all that a message consists of
        self, connection: Connection, message_id: str, key: ProductKey, order: MessageOrder, body: str, now: datetime
    ) -> None:
        """Record a message within a transaction, unless one with this id is recorded already."""
        ensure_merchant_at_work(connection, key.merchant)
        encrypted = self._keys.for_writing(connection, key.merchant).encrypt(_TABLE.c.body, body, id=message_id)
        content = {"body": encrypted, "created_at": now, "due_at": now + FIRST_ATTEMPT_MARGIN}
        _PUT.run(connection, id=message_id, **dict(key), **order._asdict(), **content)

    def take_next(self, key: ProductKey, now: datetime) -> StoredMessage | None:
        """Return the product's next message, or None if none waits. From now on nothing replaces it."""
        first = select(_TABLE.c.id).where(*_is(key)).order_by(_TABLE.c.number, _TABLE.c.place).limit(1)
        attempted = {"attempted_at": func.coalesce(_TABLE.c.attempted_at, now), "due_at": now + ATTEMPT_MARGIN}
        own = update(_TABLE).where(_TABLE.c.id == first.scalar_subquery()).values(**attempted)
        with self._store.write() as connection:
            row = connection.execute(own.returning(_TABLE.c.id, _TABLE.c.body)).one_or_none()
            return StoredMessage(row.id, self._read(connection, key, row)) if row else None

    def forget(self, message_id: str) -> None:
        """Delete a message that was accepted."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.id == message_id))

    def forget_reservation(self, merchant: str, reservation: str) -> None:
        """Delete the messages that tell of a reservation's conflicts; they are counted in its erasure."""
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
        replaceable = (*_is(key), _TABLE.c.place == 0, _TABLE.c.attempted_at.is_(None))
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
            return session.connection().execute(select(func.count()).where(_TABLE.c.created_at < before)).scalar_one()

    def find_products(self) -> list[ProductKey]:
        """Return all products with messages that wait."""
        query = select(_TABLE.c.merchant, _TABLE.c.product).distinct()
        with self._store.read() as session:
            rows = session.connection().execute(query)
            return [ProductKey(merchant=merchant, product=product) for merchant, product in rows]

    def _read(self, connection: Connection, key: ProductKey, row: Row[*tuple[Any, ...]]) -> str | None:
        place = cell(_TABLE.c.body, key.merchant, id=row.id)
        return self._keys.decrypt(connection, place, row.body) if row.body else None


def drop_messages(connection: Connection, merchant: str, product: str | None = None) -> set[str]:
    """Delete all messages about the merchant's products, or one of them, tried or not; return the products.

    Within a transaction. What takes their place has a higher number: the platform gets that after what it has accepted.
    """
    about_products = (_TABLE.c.merchant == merchant, _TABLE.c.product != merchants_messages(merchant).product)
    dropped = delete(_TABLE).where(*about_products).returning(_TABLE.c.product)
    own = dropped if product is None else dropped.where(_TABLE.c.product == product)
    return {*connection.execute(own).scalars()}


def has_conflict_messages(connection: Connection, key: ProductKey) -> bool:
    """Return whether any message about a conflict of the product waits."""
    return connection.execute(select(_TABLE.c.id).where(*_is(key), _TABLE.c.place > 0).limit(1)).first() is not None


def count_messages(connection: Connection, key: ProductKey, number: int | None = None) -> int:
    """Return how many messages about the product wait, or how many of one publication."""
    query = select(func.count()).where(*_is(key))
    found = connection.execute(query if number is None else query.where(_TABLE.c.number == number))
    return int(found.scalar_one())


def count_conflicts(connection: Connection, key: ProductKey, number: int) -> int:
    """Return how many messages about conflicts of one publication wait."""
    query = select(func.count()).where(*_is(key), _TABLE.c.number == number, _TABLE.c.place > 0)
    return int(connection.execute(query).scalar_one())


def _is(key: ProductKey) -> Sequence[ColumnElement[bool]]:
    return _TABLE.c.merchant == key.merchant, _TABLE.c.product == key.product
