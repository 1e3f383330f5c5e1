"""Forget what was read of a merchant's calendars, wherever it shows: it disconnects, or changes the account."""

from datetime import datetime

from sqlalchemy import Connection

from slotsync.domain.availability.messages import ProductKey
from slotsync.store.availability.blocking_calendars import forget_blocking_calendars
from slotsync.store.availability.publications import forget_published
from slotsync.store.availability.watched_products import mark_product_due
from slotsync.store.data_keys import DataKeys
from slotsync.store.reservations.booked_times import forget_conflicts


def forget_busy_times(connection: Connection, keys: DataKeys, merchant: str, now: datetime) -> None:
    """Forget the blocking calendars and all that shows when they are busy, within the transaction that ends their use.

    That has locked the merchant's connection: a publication waits for it, and finds that nothing blocks its product.
    """
    forget_blocking_calendars(connection, merchant, now)
    for product in forget_published(connection, keys, merchant):
        mark_product_due(connection, ProductKey(merchant=merchant, product=product), now)
    forget_conflicts(connection, merchant)
