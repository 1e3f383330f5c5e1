"""Watched products: when each is due, and which an operator has stopped."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Executable, and_, null, select, update

from slotsync.domain.availability.messages import ProductKey
from slotsync.store.audit_log import AuditLog, record_resumption, record_stop
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.due_rows import DueRows, Key
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant_at_work
from slotsync.store.tables.availability import WatchedProductRow

_TABLE = table_of(WatchedProductRow)
WATCHING = "availability"
"""The kind of a product's watching in the audit log."""


def _pick(insert: Insert) -> Insert:
    values = {"due_at": insert.excluded.due_at, "stopped_at": null()}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=values)


def _stop(insert: Insert) -> Executable:
    return _stop_if(insert, _TABLE.c.stopped_at.is_(None))


def _stop_taken_up(insert: Insert) -> Executable:
    return _stop_if(insert, and_(_TABLE.c.stopped_at.is_(None), _TABLE.c.due_at.is_(None)))


def _stop_if(insert: Insert, condition: ColumnElement[bool]) -> Executable:
    values = {"due_at": null(), "stopped_at": insert.excluded.stopped_at}
    stopped = insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=values, where=condition)
    return stopped.returning(_TABLE.c.product)


_PUT_DUE = Upsert(_TABLE, _pick)
_PUT_STOPPED = Upsert(_TABLE, _stop)
_PUT_STOPPED_IF_TAKEN_UP = Upsert(_TABLE, _stop_taken_up)


class WatchedProducts:
    """Stores what the watching of products has still to do.

    With ``audit`` it stands there who has stopped and resumed it.
    """

    def __init__(self, store: Store, audit: AuditLog | None = None) -> None:
        self._store = store
        self._audit = audit
        self.due_rows = DueRows(store, _TABLE, "merchant", "product")

    def take_up(self, key: ProductKey) -> None:
        """Record that the product's workflow looks at it now: it is no longer due."""
        own = (*_is(key), _TABLE.c.due_at.is_not(None))
        with self._store.read() as session:
            due = session.connection().execute(select(_TABLE.c.product).where(*own)).first()
        if due:
            with self._store.write() as connection:
                connection.execute(update(_TABLE).where(*own).values(due_at=None, overdue_since=None))

    def is_stopped(self, key: ProductKey) -> bool:
        """Return whether an operator has stopped the watching of the product."""
        query = select(_TABLE.c.product).where(*_is(key), _TABLE.c.stopped_at.is_not(None))
        with self._store.read() as session:
            return session.connection().execute(query).first() is not None

    def stop(self, key: ProductKey, now: datetime, *, watched: bool = False) -> None:
        """Record that an operator has stopped the watching of the product: it is unknown until it is resumed.

        With ``watched`` its workflow had taken it up: what is due by now is newer, and is not stopped.
        """
        stopped = _PUT_STOPPED_IF_TAKEN_UP if watched else _PUT_STOPPED
        with self._store.write() as connection:
            ensure_merchant_at_work(connection, key.merchant)
            changed = stopped.run(connection, **dict(key), due_at=None, stopped_at=now)
            if changed and (record := record_stop(self._audit, WATCHING, now)):
                record(connection, (key.merchant, key.product))

    def resume(self, merchant: str, now: datetime) -> list[ProductKey]:
        """Make the stopped products of the merchant due again, and return them."""
        record = record_resumption(self._audit, WATCHING, now)
        resumed = self.due_rows.resume(now, _TABLE.c.merchant == merchant, record=record)
        return [ProductKey(merchant=merchant, product=product) for _, product in resumed]

    def find_due(self, now: datetime) -> list[ProductKey]:
        """Return the products that are due."""
        return [ProductKey(merchant=merchant, product=product) for merchant, product in self.due_rows.find(now)]

    def find_stopped(self) -> list[ProductKey]:
        """Return the products that an operator has stopped."""
        query = select(_TABLE.c.merchant, _TABLE.c.product).where(_TABLE.c.stopped_at.is_not(None))
        with self._store.read() as session:
            rows = session.connection().execute(query)
            return [ProductKey(merchant=merchant, product=product) for merchant, product in rows]


def lock_stopped_product(connection: Connection, key: ProductKey) -> list[Key]:
    """Return the product's key if an operator has stopped it, within a transaction that makes it due by a change."""
    stopped = select(_TABLE.c.merchant, _TABLE.c.product).where(*_is(key), _TABLE.c.stopped_at.is_not(None))
    return [tuple(row) for row in connection.execute(stopped.with_for_update())]


def mark_product_due(connection: Connection, key: ProductKey, now: datetime) -> None:
    """Record, within a transaction, that the product's workflow has to look at it, even if an operator stopped it."""
    _PUT_DUE.run(connection, **dict(key), due_at=now)


def _is(key: ProductKey) -> Sequence[ColumnElement[bool]]:
    return _TABLE.c.merchant == key.merchant, _TABLE.c.product == key.product
