"""Tables of merchants, their products and resources, and managed calendars."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, false, true
from sqlmodel import Field

from slotsync.store.database.base import MERCHANT_COLUMN, Instant, Row, encrypted_field


class MerchantRow(Row, table=True):
    """A tenant of the platform. Its switch ``sync`` takes precedence over those of its products and resources.

    ``sync_chosen``: the merchant itself has switched it; ``sync_overridden``: the platform has, against that; of
    ``on_drift`` the same. ``name``,
    ``language``, ``return_url``, ``email`` (encrypted), ``logo_url``, ``on_drift`` and ``defaults`` (a JSON object:
    settings of new products and resources) are null as long as the platform has not said them. Visits of the settings
    page that began until ``visits_ended_at`` are over, and links to it that were made until then do not work.
    """

    __tablename__ = "merchant"
    __table_args__ = ({"info": {MERCHANT_COLUMN: "id"}},)

    id: str = Field(primary_key=True)
    sync: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    remove_events: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    sync_chosen: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    sync_overridden: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    name: str | None = None
    language: str | None = None
    return_url: str | None = None
    email: str | None = encrypted_field()
    logo_url: str | None = None
    defaults: str | None = None
    on_drift: str | None = None
    on_drift_chosen: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    on_drift_overridden: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    visits_ended_at: datetime | None = Field(default=None, sa_type=Instant)


class MerchantSwitchRow(Row, table=True):
    """The last switch of a whole merchant, and how far its products and resources know of it.

    ``revision`` counts the switches; all were signalled up to ``applied_revision``: of the last one ``signalled`` of
    ``to_signal``. ``due_at`` is when its workflow should have taken it up; an operator stopped it at ``stopped_at``.
    """

    __tablename__ = "merchant_switch"

    merchant: str = Field(primary_key=True, foreign_key="merchant.id")
    revision: int
    applied_revision: int
    to_signal: int
    signalled: int
    due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    overdue_since: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    problem: str | None = None


class OwnerRow(Row, table=True):
    """A product or resource, with its settings. ``remove_events`` is the choice for the time while ``sync`` is off.

    ``revision`` counts the changes of its settings and switches; its open reservations were signalled up to
    ``applied_revision``: in the last signalling ``signalled`` of ``to_signal``. ``due_at`` is when its calendar's
    workflow should have looked at it again, null if nothing is left to do; an operator stopped it at ``stopped_at``.
    ``reason`` is why its calendar is not as it should be. ``chosen`` are the settings that the merchant has chosen, and
    ``overridden`` those that the platform has changed against that: names, separated by spaces. One that the platform
    has deleted is unknown; its row remains for what is left to do in Google.
    """

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
    revision: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    applied_revision: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    to_signal: int | None = None
    signalled: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reason: str | None = None
    chosen: str | None = None
    overridden: str | None = None
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    overdue_since: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    problem: str | None = None


class ManagedCalendarRow(Row, table=True):
    """The managed calendar of a product or resource, with the name and the time zone that Google shows of it.

    They are null until it is known what Google shows. Its changes after Google's ``sync_token`` were not looked through
    for drift yet; all of it was at ``fully_audited_at``.
    """

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
    shown_name: str | None = None
    shown_zone: str | None = None
    sync_token: str | None = None
    audited_at: datetime | None = Field(default=None, sa_type=Instant)
    fully_audited_at: datetime | None = Field(default=None, sa_type=Instant)


class FormerCalendarRow(Row, table=True):
    """A calendar that a product or resource had in a former account of its merchant, and which account that is.

    It is kept as long as an event of ours stands there, or was left there. ``account_key`` is that of a connection.
    """

    __tablename__ = "former_calendar"
    __table_args__ = (
        ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )

    merchant: str = Field(primary_key=True)
    calendar_id: str = Field(primary_key=True)
    kind: str
    owner_id: str
    account_key: str


class CalendarPermitRow(Row, table=True):
    """A permit to create a calendar, with the calendar that was created with it."""

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
    """A calendar that a merchant picked to block a product. Id and name are encrypted.

    The id of an account's primary calendar is the account's address.
    """

    __tablename__ = "blocking_calendar"
    __table_args__ = (
        ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )

    merchant: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    owner_id: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    calendar_id: str | None = encrypted_field()
    name: str | None = encrypted_field()
