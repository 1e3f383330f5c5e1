"""Tables of reservations and their events. Guest data is in the encrypted snapshots alone."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, false
from sqlmodel import Field

from slotsync.store.database.base import Instant, Row, encrypted_field, where


class ReservationRow(Row, table=True):
    """The newest snapshot of a reservation that was reported, and the newest version that Google shows in full.

    ``planned_version`` is the newest that a workflow has planned: it has taken the report up.

    ``starts_at`` is its first start, with nights from midnight in UTC, null if a former version reported it.
    ``due_at`` is when its workflow should have looked at it again, null if nothing is left to do. ``stopped_at`` is
    when an operator stopped its workflow. ``problem`` is what Temporal itself reports about the workflow. ``reduced``
    is why the snapshot has no title, guest, notes and address any more, null if it is as it was reported.
    """

    __tablename__ = "reservation"
    __table_args__ = (
        Index(None, "due_at"),
        Index(None, "merchant", "since", "id"),
        Index("ix_reservation_unplanned", "since", **where("planned_version IS NULL OR planned_version <> version")),
        Index("ix_reservation_stopped", "merchant", "id", **where("stopped_at IS NOT NULL")),
        Index("ix_reservation_problem", "merchant", "id", **where("problem IS NOT NULL")),
    )

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    id: str = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    planned_version: int | None = Field(default=None, sa_type=BigInteger)
    settled_version: int | None = Field(default=None, sa_type=BigInteger)
    status: str
    starts_at: datetime | None = Field(default=None, sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    since: datetime = Field(sa_type=Instant)
    snapshot: str | None = encrypted_field()
    content_hash: str | None = None
    reduced: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    problem: str | None = None


class SyncedEventRow(Row, table=True):
    """The event of one item in one owner's calendar. Its columns about Google are null until it was written there.

    ``first_format``: it may have been written before slotsync's marks had names of their own.
    """

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
    touched: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    guest_data: str | None = None
    duplicates_in: str | None = None
    first_format: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class LeftEventRow(Row, table=True):
    """An event that stands in a calendar out of reach: of a former account, or ``missing``, not found by Google.

    A missing one that is ``owed`` counts as being there: it was not found when the merchant left, or it is another
    owner's calendar, to which people may have dragged the event.
    """

    __tablename__ = "left_event"
    __table_args__ = (Index(None, "merchant", "kind", "owner_id"),)

    merchant: str = Field(primary_key=True)
    reservation: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    owner_id: str = Field(primary_key=True)
    calendar_id: str = Field(primary_key=True)
    generation: int
    version: int = Field(sa_type=BigInteger)
    duplicates_in: str
    missing: bool
    owed: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    since: datetime = Field(sa_type=Instant)


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


class ConflictRow(Row, table=True):
    """A booked time that conflicts with busy times since ``found_at``; once that is over, since ``resolved_at``."""

    __tablename__ = "conflict"
    __table_args__ = (
        Index(None, "merchant", "found_at", "id"),
        Index(None, "merchant", "reservation", "item"),
    )

    id: str = Field(primary_key=True)
    merchant: str
    product: str
    reservation: str
    item: str
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant, index=True)
    found_at: datetime = Field(sa_type=Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
