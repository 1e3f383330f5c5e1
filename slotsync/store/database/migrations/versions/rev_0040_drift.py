"""Drift, and how far the managed calendars were looked through for it."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Add the table, and the columns of managed calendars."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "drift",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("merchant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("calendar_id", sa.String(), nullable=False),
        sa.Column("found_at", instant, nullable=False),
        sa.Column("drift", sa.String(), nullable=False),
        sa.Column("fields", sa.String(), nullable=False),
        sa.Column("reservation", sa.String(), nullable=True),
        sa.Column("item", sa.String(), nullable=True),
        sa.Column("event_kind", sa.String(), nullable=True),
        sa.Column("event_owner_id", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("resolved_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["merchant"], ["merchant.id"], name="fk_drift_merchant"),
        sa.PrimaryKeyConstraint("id", name="pk_drift"),
    )
    for columns in (("found_at", "id"), ("kind", "owner_id", "resolved_at"), ("reservation", "item")):
        op.create_index(f"ix_drift_merchant_{'_'.join(columns)}", "drift", ["merchant", *columns])
    op.add_column("managed_calendar", sa.Column("sync_token", sa.String(), nullable=True))
    op.add_column("managed_calendar", sa.Column("audited_at", instant, nullable=True))
    op.add_column("managed_calendar", sa.Column("fully_audited_at", instant, nullable=True))


def downgrade() -> None:
    """Remove them."""
    for name in ("sync_token", "audited_at", "fully_audited_at"):
        op.drop_column("managed_calendar", name)
    op.drop_table("drift")
