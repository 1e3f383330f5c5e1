"""Merchants: known once something is stored for them."""

from sqlalchemy import Connection

from slotsync.store.database.base import Upsert, table_of
from slotsync.store.tables.calendars import MerchantRow

_ENSURE = Upsert(table_of(MerchantRow), lambda insert: insert.on_conflict_do_nothing())


def ensure_merchant(connection: Connection, merchant: str) -> None:
    """Makes the merchant known, so that other rows can point to it."""
    _ENSURE.run(connection, id=merchant)
