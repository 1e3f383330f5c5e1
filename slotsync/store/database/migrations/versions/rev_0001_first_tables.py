"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, each after those that it refers to."""
    op.create_table("merchant", sa.Column("id", sa.String(), primary_key=True))
    _connection()
    _owner()
    _managed_calendar()
    _reservation()
    _synced_event()


def downgrade() -> None:
    """Drop the tables, in the opposite order."""
    for table in ("synced_event", "reservation", "managed_calendar", "owner", "connection", "merchant"):
        op.drop_table(table)


def _connection() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), nullable=False, unique=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("account_email", sa.String()),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("refresh_token", sa.String()),
        sa.Column("access_token", sa.String()),
        sa.Column("access_expires_at", INSTANT),
        sa.Column("last_good_call_at", INSTANT),
        sa.Column("last_error", sa.String()),
        sa.Column("since", INSTANT, nullable=False),
    )


def _owner() -> None:
    op.create_table(
        "owner",
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("sync", sa.Boolean(), nullable=False),
        sa.Column("guest_data", sa.String(), nullable=False),
    )


def _managed_calendar() -> None:
    op.create_table(
        "managed_calendar",
        sa.Column("merchant", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("owner_id", sa.String(), primary_key=True),
        sa.Column("calendar_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), sa.ForeignKey("connection.id"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )


def _reservation() -> None:
    op.create_table(
        "reservation",
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("settled_version", sa.BigInteger()),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("ends_at", INSTANT),
        sa.Column("since", INSTANT, nullable=False),
    )


def _synced_event() -> None:
    op.create_table(
        "synced_event",
        sa.Column("merchant", sa.String(), primary_key=True),
        sa.Column("reservation", sa.String(), primary_key=True),
        sa.Column("item", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("owner_id", sa.String(), primary_key=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("last_error", sa.String()),
        sa.Column("desired_version", sa.BigInteger()),
        sa.Column("calendar_id", sa.String()),
        sa.Column("connection_id", sa.String()),
        sa.Column("generation", sa.Integer()),
        sa.Column("written_version", sa.BigInteger()),
        sa.Column("fingerprint", sa.String()),
        sa.Column("etag", sa.String()),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
    )
    op.create_index(None, "synced_event", ["merchant", "kind", "owner_id", "state", "reservation"])
    op.create_index(None, "synced_event", ["merchant", "state", "since"])
