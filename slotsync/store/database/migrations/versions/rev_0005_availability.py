"""Watched accounts, busy readings, publications, webhook messages and booked times."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)
NEW = (
    "booked_time",
    "webhook_message",
    "published_availability",
    "busy_reading",
    "push_channel",
    "watched_calendar",
    "watched_account",
)
CHOICES = ("pad_before_minutes", "pad_after_minutes", "free_calendars_needed")


def upgrade() -> None:
    """Add the tables and choices; nothing is padded and every calendar has to be free, as before."""
    for name in CHOICES[:2]:
        op.add_column("owner", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("owner", sa.Column(CHOICES[2], sa.Integer()))
    _create_watching()
    _create_reading()
    _create_publishing()


def _create_watching() -> None:
    op.create_table(
        "watched_account",
        sa.Column("connection_id", sa.String(), sa.ForeignKey("connection.id"), primary_key=True),
        sa.Column("lease_holder", sa.String()),
        sa.Column("lease_until", INSTANT),
        sa.Column("changed_at", INSTANT, nullable=False),
    )
    op.create_index("ix_watched_account_changed_at", "watched_account", ["changed_at"])
    op.create_table(
        "watched_calendar",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("connection_id", sa.String(), sa.ForeignKey("watched_account.connection_id"), nullable=False),
        sa.Column("calendar_id", sa.String()),
        sa.Column("rung_at", INSTANT),  # stored name
        sa.Column("push_refused", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_watched_calendar_connection_id", "watched_calendar", ["connection_id"])
    op.create_table(
        "push_channel",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("watched_id", sa.String(), sa.ForeignKey("watched_calendar.id"), nullable=False),
        sa.Column("token", sa.String()),
        sa.Column("resource_id", sa.String()),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
    )
    op.create_index("ix_push_channel_watched_id", "push_channel", ["watched_id"])


def _create_reading() -> None:
    op.create_table(
        "busy_reading",
        sa.Column("watched_id", sa.String(), sa.ForeignKey("watched_calendar.id"), primary_key=True),
        sa.Column("chunk", sa.Integer(), primary_key=True),
        *(sa.Column(name, INSTANT) for name in ("starts_at", "ends_at", "read_at", "good_until")),
        sa.Column("busy", sa.String()),
        sa.Column("error", sa.String()),
        *(sa.Column(name, INSTANT) for name in ("failed_at", "failed_from", "failed_to")),
    )


def _create_publishing() -> None:
    op.create_table(
        "published_availability",
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), primary_key=True),
        sa.Column("product", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("slots", sa.String()),
    )
    op.create_table(
        "webhook_message",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), nullable=False),
        sa.Column("body", sa.String()),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_table(
        "booked_time",
        *(sa.Column(name, sa.String(), primary_key=True) for name in ("merchant", "reservation", "item")),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("conflict_since", INSTANT),
    )
    op.create_index("ix_booked_time_merchant_product_ends_at", "booked_time", ["merchant", "product", "ends_at"])


def downgrade() -> None:
    """Remove the tables and choices."""
    for table in NEW:
        op.drop_table(table)
    for name in CHOICES:
        op.drop_column("owner", name)
