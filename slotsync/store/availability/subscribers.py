"""Subscribers: workflows that are signalled every change of a product."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from slotsync.domain.availability.messages import ProductKey
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant_at_work
from slotsync.store.tables.availability import PublishedAvailabilityRow, SubscriberRow

_TABLE = table_of(SubscriberRow)
_PUBLISHED = table_of(PublishedAvailabilityRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())


class Subscribers:
    """Stores the subscribers of each product, and up to which publication they were signalled."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, key: ProductKey, workflow_id: str) -> None:
        """Record a subscriber of all changes from now on."""
        with self._store.write() as connection:
            ensure_merchant_at_work(connection, key.merchant)
            _PUT.run(connection, **dict(key), workflow_id=workflow_id, number=_last_number(connection, key))

    def remove(self, key: ProductKey, workflow_id: str) -> None:
        """Forget a subscriber."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(*_is(key), _TABLE.c.workflow_id == workflow_id))

    def find_unsignalled(self, key: ProductKey) -> tuple[int, list[str]]:
        """Return the number of the last publication, and the subscribers that were not signalled about it."""
        with self._store.read() as session:
            number = _last_number(session.connection(), key)
            query = select(_TABLE.c.workflow_id).where(*_is(key), _TABLE.c.number < number)
            return number, [*session.connection().execute(query).scalars()]

    def record_signalled(self, key: ProductKey, workflow_id: str, number: int) -> None:
        """Record that a subscriber was signalled about a publication."""
        own = update(_TABLE).where(*_is(key), _TABLE.c.workflow_id == workflow_id, _TABLE.c.number < number)
        with self._store.write() as connection:
            connection.execute(own.values(number=number))


def count_unsignalled(connection: Connection, key: ProductKey, number: int) -> int:
    """Return how many subscribers were not signalled about this publication."""
    query = select(func.count()).where(*_is(key), _TABLE.c.number < number)
    return int(connection.execute(query).scalar_one())


def _last_number(connection: Connection, key: ProductKey) -> int:
    query = select(_PUBLISHED.c.number).filter_by(merchant=key.merchant, product=key.product)
    return connection.execute(query).scalar_one_or_none() or 0


def _is(key: ProductKey) -> Sequence[ColumnElement[bool]]:
    return _TABLE.c.merchant == key.merchant, _TABLE.c.product == key.product
