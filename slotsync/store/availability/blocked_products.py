"""Blocked products: which of them calendars block, and the end of that."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlmodel import Session

from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.store.availability.confirmations import forget_evidence
from slotsync.store.availability.watched_products import mark_product_due
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell
from slotsync.store.tables.calendars import BlockingCalendarRow

_TABLE = table_of(BlockingCalendarRow)


def has_blocking_calendars(database: Connection | Session, merchant: str, owner: Owner) -> bool:
    """Return whether any calendar blocks the owner."""
    return database.execute(select(_TABLE.c.place).filter_by(**owner_key(merchant, owner))).first() is not None


def list_blocked_products(database: Connection | Session, merchant: str) -> Sequence[str]:
    """Return the ids of the merchant's products that calendars block, sorted."""
    blocked = select(_TABLE.c.owner_id).filter_by(merchant=merchant, kind=OwnerKind.PRODUCT.value).distinct()
    return database.execute(blocked.order_by(_TABLE.c.owner_id)).scalars().all()


def read_blocking_ids(connection: Connection, keys: DataKeys, merchant: str, owner: Owner) -> set[str]:
    """Return the ids of the calendars that block the owner.

    Raises:
        Undecryptable: no key fits.
    """
    key = owner_key(merchant, owner)
    rows = connection.execute(select(_TABLE.c.place, _TABLE.c.calendar_id).filter_by(**key)).all()
    return {
        keys.decrypt(connection, cell(_TABLE.c.calendar_id, merchant, **key, place=place), calendar_id)
        for place, calendar_id in rows
    }


def delete_blocking_calendars(connection: Connection, merchant: str, owner: Owner) -> None:
    """Delete the blocking calendars of one owner, within a transaction."""
    connection.execute(delete(_TABLE).filter_by(**owner_key(merchant, owner)))


def forget_blocking_calendars(connection: Connection, merchant: str, now: datetime) -> None:
    """Delete the blocking calendars of all the merchant's products, and what is known of them; their watching ends."""
    products = list_blocked_products(connection, merchant)
    connection.execute(delete(_TABLE).where(_TABLE.c.merchant == merchant))
    forget_evidence(connection, merchant)
    for product in products:
        mark_product_due(connection, ProductKey(merchant=merchant, product=product), now)


def owner_key(merchant: str, owner: Owner) -> dict[str, str]:
    """Return the values of the columns that name an owner."""
    return {"merchant": merchant, "kind": owner.kind.value, "owner_id": owner.id}
