"""The table of drift: what people did to our events and calendars."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, Index

from slotsync.store.database.base import Instant, Row


class DriftRow(Row, table=True):
    """One drift in the calendar of a product or resource (``kind``, ``owner_id``), of one event or of the whole.

    ``event_kind`` and ``event_owner_id`` are the event's own owner, which is another one if people dragged it here.
    ``fields`` are the names of those that differ, separated by spaces: no content. ``action`` is what was done about
    it, and ``answer`` what somebody said who was asked. ``version`` is the one that was written, and ``shape`` a hash,
    with the merchant's key, of what people made of it: what is kept is that. It is open until an audit finds it
    otherwise, or a write has put it right, at ``resolved_at``.
    """

    __tablename__ = "drift"
    __table_args__ = (
        Index(None, "merchant", "found_at", "id"),
        Index(None, "merchant", "kind", "owner_id", "resolved_at"),
        Index(None, "merchant", "reservation", "item"),
    )

    id: str = Field(primary_key=True)
    merchant: str = Field(foreign_key="merchant.id")
    kind: str
    owner_id: str
    calendar_id: str
    found_at: datetime = Field(sa_type=Instant)
    drift: str
    fields: str = ""
    reservation: str | None = None
    item: str | None = None
    event_kind: str | None = None
    event_owner_id: str | None = None
    action: str
    answer: str | None = None
    version: int | None = Field(default=None, sa_type=BigInteger)
    shape: str | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
