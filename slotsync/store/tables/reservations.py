"""Tables of reservations and their events. No guest data is in any of them."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from slotsync.store.database.base import Instant, Row


class ReservationRow(Row, table=True):
    """The newest version of a reservation that was reported, and the newest that Google shows in full."""

    __tablename__ = "reservation"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    id: str = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    settled_version: int | None = Field(default=None, sa_type=BigInteger)
    status: str
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    since: datetime = Field(sa_type=Instant)


class SyncedEventRow(Row, table=True):
    """The event of one item in one owner's calendar. Its columns about Google are null until it was written there."""

    __tablename__ = "synced_event"
    __table_args__ = (
        Index(None, "merchant", "kind", "owner_id", "state", "reservation"),
        Index(None, "merchant", "state", "since"),
    )

    merchant: str = Field(primary_key=True)
    reservation: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    owner_id: str = Field(primary_key=True)
    state: str
    since: datetime = Field(sa_type=Instant)
    last_error: str | None = None
    desired_version: int | None = Field(default=None, sa_type=BigInteger)
    calendar_id: str | None = None
    connection_id: str | None = None
    generation: int | None = None
    written_version: int | None = Field(default=None, sa_type=BigInteger)
    fingerprint: str | None = None
    etag: str | None = None
    link: str = ""
    present: bool = False


class BookedTimeRow(Row, table=True):
    """A time in which a reservation needs a product, by its newest version."""

    __tablename__ = "booked_time"
    __table_args__ = (Index(None, "merchant", "product", "ends_at"),)

    merchant: str = Field(primary_key=True)
    reservation: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    product: str
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    conflict_since: datetime | None = Field(default=None, sa_type=Instant)
