"""Tables of busy times as they were read, and of publications to the platform."""

from datetime import datetime

from sqlalchemy import false
from sqlmodel import Field

from slotsync.store.database.base import Instant, Row, encrypted_field


class WatchedAccountRow(Row, table=True):
    """A connection with calendars that are read for busy times, by one process at a time: the holder of the lease.

    ``changed_at`` is when a reading last contained something new, or Google last notified of a change.
    """

    __tablename__ = "watched_account"

    connection_id: str = Field(primary_key=True, foreign_key="connection.id")
    lease_holder: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant, index=True)


class WatchedCalendarRow(Row, table=True):
    """A calendar of an account that blocks some product.

    ``rung_at`` (stored name) is when Google last notified of a change in it. ``push_refused``: Google does not notify
    of changes in this calendar.
    """

    __tablename__ = "watched_calendar"

    id: str = Field(primary_key=True)
    connection_id: str = Field(foreign_key="watched_account.connection_id", index=True)
    calendar_id: str | None = encrypted_field()
    rung_at: datetime | None = Field(default=None, sa_type=Instant)  # stored name
    push_refused: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class PushChannelRow(Row, table=True):
    """A channel by which Google notifies of changes in a watched calendar. Without an expiry it is only being opened.

    ``asked_at`` is when Google was asked to open it; ``address_hash`` identifies where it sends to. ``heard_at`` is
    when its first notification came, ``doubted_at`` when a poll first found a change of which it had not notified.
    """

    __tablename__ = "push_channel"

    id: str = Field(primary_key=True)
    watched_id: str = Field(foreign_key="watched_calendar.id", index=True)
    token: str | None = encrypted_field()
    resource_id: str | None = None
    asked_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    address_hash: str | None = None
    heard_at: datetime | None = Field(default=None, sa_type=Instant)
    doubted_at: datetime | None = Field(default=None, sa_type=Instant)


class BusyReadingRow(Row, table=True):
    """The busy times of a watched calendar in one chunk of the horizon, as they were last read, and a later failure.

    ``busy`` and the four times before it are null until a reading succeeded; ``error`` and what follows are null unless
    the newest attempt failed. ``failing_since`` is the time of the first failure in a row; with
    ``call_failed`` each of them was a failure of the whole call, which says nothing of the calendar.
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
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    call_failed: bool | None = None


class WatchedProductRow(Row, table=True):
    """A product that calendars block, or did.

    ``due_at`` is when its workflow should have looked at it, null once it did. An operator stopped it at
    ``stopped_at``.
    """

    __tablename__ = "watched_product"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    product: str = Field(primary_key=True)
    due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    overdue_since: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    problem: str | None = None


class PublishedAvailabilityRow(Row, table=True):
    """The last publication of a product's availability: its number, its interval, and all slots in the interval.

    ``token`` identifies the publication, so that a repeated request publishes nothing twice. ``slots`` is null once it
    was forgotten what was published: then every time may have changed since.
    """

    __tablename__ = "published_availability"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    product: str = Field(primary_key=True)
    number: int
    token: str
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    slots: str | None = encrypted_field()


class SubscriberRow(Row, table=True):
    """A workflow that is signalled every change of a product: up to the publication ``number`` it was."""

    __tablename__ = "subscriber"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    product: str = Field(primary_key=True)
    workflow_id: str = Field(primary_key=True)
    number: int


class ConfirmationRow(Row, table=True):
    """A part of a question to Google, with its answer and the evidence, which are null until it is answered.

    ``evidence`` holds both. All is null once it was forgotten. ``answer`` is empty: with the order of questions it
    would show busy times to everybody who reads the table. ``checked_at`` is when it was asked, then when answered.
    """

    __tablename__ = "confirmation"

    id: str = Field(primary_key=True)
    merchant: str = Field(foreign_key="merchant.id", index=True)
    product: str
    answer: str
    checked_at: datetime = Field(sa_type=Instant)
    question: str | None = encrypted_field()
    evidence: str | None = encrypted_field()
