"""The tables. Nothing of a guest's data is in any of them; tokens and account names are sealed."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, MetaData, false, true
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from slotsync.store.instant import Instant

SEALED = "sealed"
"""The mark of a column that holds secrets."""

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# A registry of our own: a backend that uses slotsync as a library may well have a SQLModel table "reservation" itself.
class Row(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMES))):
    """The base of all rows."""


def sealed_field() -> Any:
    """A column whose texts are sealed; ``slotsync secrets rotate`` finds it by this mark."""
    return Field(default=None, sa_column_kwargs={"info": {SEALED: True}})


class MerchantRow(Row, table=True):
    """A tenant of the platform, with the switch that is above those of its products and resources."""

    __tablename__ = "merchant"

    id: str = Field(primary_key=True)
    sync: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    remove_events: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class ConnectionRow(Row, table=True):
    """A merchant's grant to a Google account. The tokens and the account's address are sealed.

    ``account_key`` tells accounts apart without naming them, also after a disconnection. Who holds the lease is the one
    that refreshes the access token.
    """

    __tablename__ = "connection"

    id: str = Field(primary_key=True)
    merchant: str = Field(foreign_key="merchant.id", unique=True)
    state: str
    account_email: str | None = sealed_field()
    account_key: str | None = None
    scopes: str = ""
    refresh_token: str | None = sealed_field()
    access_token: str | None = sealed_field()
    access_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    lease_holder: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    last_good_call_at: datetime | None = Field(default=None, sa_type=Instant)
    last_error: str | None = None
    since: datetime = Field(sa_type=Instant)


class PendingConsentRow(Row, table=True):
    """What waits for a merchant's browser to come back: a consent, or the answer to a question about one.

    Found by hashes of what the browser brings, so that nobody who reads the table can use it.
    """

    __tablename__ = "pending_consent"

    key_hash: str = Field(primary_key=True)
    kind: str
    merchant: str = Field(foreign_key="merchant.id")
    browser_hash: str
    secret: str | None = sealed_field()
    expires_at: datetime = Field(sa_type=Instant, index=True)


class OwnerRow(Row, table=True):
    """A product or resource, with its settings. ``remove_events`` is what is wished while ``sync`` is off."""

    __tablename__ = "owner"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str
    time_zone: str
    sync: bool
    guest_data: str
    on_unknown: str = Field(default="block", sa_column_kwargs={"server_default": "block"})
    pad_before_minutes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    pad_after_minutes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    free_calendars_needed: int | None = None
    remove_events: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class ManagedCalendarRow(Row, table=True):
    """The calendar in Google of a product or resource."""

    __tablename__ = "managed_calendar"
    __table_args__ = (
        ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )

    merchant: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    owner_id: str = Field(primary_key=True)
    calendar_id: str
    connection_id: str = Field(foreign_key="connection.id")
    created_at: datetime = Field(sa_type=Instant)


class CalendarPermitRow(Row, table=True):
    """The leave to make a calendar, with the calendar that was made on it."""

    __tablename__ = "calendar_permit"
    __table_args__ = (
        ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )

    merchant: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    owner_id: str = Field(primary_key=True)
    since: datetime = Field(primary_key=True, sa_type=Instant)
    calendar_id: str | None = None


class BlockingCalendarRow(Row, table=True):
    """A calendar that a merchant picked to block a product. Id and name are sealed, and gone when it is unpicked.

    The id of an account's own calendar is the account's address.
    """

    __tablename__ = "blocking_calendar"
    __table_args__ = (
        ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )

    merchant: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    owner_id: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    calendar_id: str | None = sealed_field()
    name: str | None = sealed_field()


class UsedLinkRow(Row, table=True):
    """A link to the settings page that was followed: it opens the page once. Kept for a while after it expired."""

    __tablename__ = "used_link"

    link_hash: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Instant, index=True)


class ReservationRow(Row, table=True):
    """The newest version of a reservation that was seen, and the newest that Google shows in full."""

    __tablename__ = "reservation"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    id: str = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    settled_version: int | None = Field(default=None, sa_type=BigInteger)
    status: str
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    since: datetime = Field(sa_type=Instant)


class SyncedEventRow(Row, table=True):
    """What is in Google for one item in one owner's calendar. ``generation`` and the like are null until it was."""

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
