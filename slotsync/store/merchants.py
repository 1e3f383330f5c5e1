"""Merchants: recorded once something is stored for them, with their switch for synchronization."""

from sqlalchemy import ColumnElement, Connection, update
from sqlmodel import select

from slotsync.domain.calendars.owner import Switch
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import MerchantRow

_TABLE = table_of(MerchantRow)
_ENSURE = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())


class Merchants:
    """Stores the merchants and their switches."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def is_synced(self, merchant: str) -> bool:
        """Return whether the merchant as a whole is synchronized; true for an unknown merchant."""
        with self._store.read() as session:
            row = session.get(MerchantRow, merchant)
            return row is None or row.sync

    def get_ids(self) -> list[str]:
        """Return the ids of all merchants, in order."""
        with self._store.read() as session:
            return list(session.exec(select(MerchantRow.id).order_by(MerchantRow.id)))


def switch_merchant(connection: Connection, merchant: str, switch: Switch) -> None:
    """Switch synchronization of the whole merchant, within a transaction."""
    ensure_merchant(connection, merchant)
    connection.execute(update(_TABLE).filter_by(id=merchant).values(**switch.model_dump()))


def is_merchant_synced(merchant: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that this merchant as a whole is synchronized."""
    return merchant.in_(select(MerchantRow.id).where(_TABLE.c.sync))


def ensure_merchant(connection: Connection, merchant: str) -> None:
    """Record the merchant if it is not recorded yet, so that other rows can refer to it."""
    _ENSURE.run(connection, id=merchant)
