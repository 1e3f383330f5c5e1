"""The tenants: made known by the first thing that is stored for them."""

from sqlalchemy import Connection

from slotsync.store.tables import MerchantRow
from slotsync.store.upsert import Upsert, table_of

_ENSURE = Upsert(table_of(MerchantRow), lambda insert: insert.on_conflict_do_nothing())


def ensure_merchant(connection: Connection, merchant: str) -> None:
    """Makes the merchant known, so that other rows can point to it."""
    _ENSURE.run(connection, id=merchant)
