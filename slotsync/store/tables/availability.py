"""Tables of busy times as read, and of what the platform was told."""

from datetime import datetime

from sqlalchemy import false
from sqlmodel import Field

from slotsync.store.database.base import Instant, Row, encrypted_field


class WatchedAccountRow(Row, table=True):
    """A connection whose busy times are read, by one process at a time: who holds the lease.

    ``changed_at`` is when a reading last said something new, or Google told that something has changed.
    """

    __tablename__ = "watched_account"

    connection_id: str = Field(primary_key=True, foreign_key="connection.id")
    lease_holder: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant, index=True)


class WatchedCalendarRow(Row, table=True):
    """A calendar of an account that blocks some product. ``rung_at`` is when Google last told of a change in it.

    ``push_refused``: Google does not tell of changes in this one.
    """

    __tablename__ = "watched_calendar"

    id: str = Field(primary_key=True)
    connection_id: str = Field(foreign_key="watched_account.connection_id", index=True)
    calendar_id: str | None = encrypted_field()
    rung_at: datetime | None = Field(default=None, sa_type=Instant)
    push_refused: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class PushChannelRow(Row, table=True):
    """A channel by which Google tells of changes in a watched calendar. Without an expiry it is only being opened.

    ``asked_at`` is when Google was asked for it.
    """

    __tablename__ = "push_channel"

    id: str = Field(primary_key=True)
    watched_id: str = Field(foreign_key="watched_calendar.id", index=True)
    token: str | None = encrypted_field()
    resource_id: str | None = None
    asked_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)


class BusyReadingRow(Row, table=True):
    """The busy times of a watched calendar in one piece of the horizon: the last that were read, and what failed since.

    ``busy`` and the times next to it are null until a reading succeeded; ``error`` and the like are null unless the
    newest attempt failed.
    """

    __tablename__ = "busy_reading"

    watched_id: str = Field(primary_key=True, foreign_key="watched_calendar.id")
    chunk: int = Field(primary_key=True)
    starts_at: datetime | None = Field(default=None, sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    read_at: datetime | None = Field(default=None, sa_type=Instant)
    good_until: datetime | None = Field(default=None, sa_type=Instant)
    busy: str | None = encrypted_field()
    error: str | None = None
    failed_at: datetime | None = Field(default=None, sa_type=Instant)
    failed_from: datetime | None = Field(default=None, sa_type=Instant)
    failed_to: datetime | None = Field(default=None, sa_type=Instant)


class PublishedAvailabilityRow(Row, table=True):
    """What the platform was last told of a product: the number of that news, and all slots in a stretch of time.

    ``token`` names the news, so that telling it again is not telling another.
    """

    __tablename__ = "published_availability"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    product: str = Field(primary_key=True)
    number: int
    token: str
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    slots: str | None = encrypted_field()


class WebhookMessageRow(Row, table=True):
    """A message that the platform has not accepted yet. Its id never changes, nor does what it says."""

    __tablename__ = "webhook_message"

    id: str = Field(primary_key=True)
    merchant: str = Field(foreign_key="merchant.id")
    body: str | None = encrypted_field()
    created_at: datetime = Field(sa_type=Instant)
