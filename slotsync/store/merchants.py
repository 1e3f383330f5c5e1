"""The tenants: made known by the first thing that is stored for them."""

from sqlmodel import Session

from slotsync.store.tables import MerchantRow
from slotsync.store.upsert import insert_into, table_of


def ensure_merchant(session: Session, merchant: str) -> None:
    """Makes the merchant known, so that other rows can point to it."""
    session.execute(insert_into(session, table_of(MerchantRow), id=merchant).on_conflict_do_nothing())
