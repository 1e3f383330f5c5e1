"""Forget what was read of a merchant's calendars, wherever it shows: of all of them, or of one that is taken off."""

from datetime import datetime

from sqlalchemy import Connection

from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.store.availability.availability_webhooks import forget_published
from slotsync.store.availability.blocked_products import (
    delete_blocking_calendars,
    forget_blocking_calendars,
    has_blocking_calendars,
)
from slotsync.store.availability.confirmations import forget_evidence
from slotsync.store.availability.watched_products import mark_product_due
from slotsync.store.data_keys import DataKeys
from slotsync.store.reservations.booked_times import forget_conflicts
from slotsync.store.reservations.conflicts import drop_conflicts
from slotsync.store.webhook_messages import find_first_untold


def forget_busy_times(connection: Connection, keys: DataKeys, merchant: str, now: datetime) -> None:
    """Forget the blocking calendars and all that shows when they are busy, within the transaction that ends their use.

    That has locked the merchant's connection: a publication waits for it, and finds that nothing blocks its product.
    """
    forget_blocking_calendars(connection, merchant, now)
    for product in forget_published(connection, keys, merchant):
        mark_product_due(connection, ProductKey(merchant=merchant, product=product), now)
    forget_conflicts(connection, merchant)
    drop_conflicts(connection, merchant)


def forget_owners_blocking_calendars(connection: Connection, merchant: str, owner: Owner, now: datetime) -> None:
    """Delete the blocking calendars of one owner, and all that shows when they are busy; its watching ends.

    Within a transaction that has locked the owner.
    """
    delete_blocking_calendars(connection, merchant, owner)
    if owner.kind is OwnerKind.PRODUCT:
        forget_products_times(connection, merchant, owner.id)
        mark_product_due(connection, ProductKey(merchant=merchant, product=owner.id), now)


def forget_products_times(connection: Connection, merchant: str, product: str, keys: DataKeys | None = None) -> None:
    """Forget all that shows when the product's calendars are busy, since one of them was taken off.

    Within a transaction that has locked the product: a publication waits for it, and finds that calendar gone. The
    conflicts of bookings with those that are left are told again only if their messages were still waiting.
    """
    forget_evidence(connection, merchant, product)
    untold = find_first_untold(connection, ProductKey(merchant=merchant, product=product))
    forget_published(connection, keys, merchant, product)
    if not has_blocking_calendars(connection, merchant, Owner.product(product)):
        forget_conflicts(connection, merchant, product)
    elif untold:
        forget_conflicts(connection, merchant, product, untold)
    drop_conflicts(connection, merchant, product)
