"""Switches of merchants, the choice to remove events while one is off, and permits to create calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the switches, all on, and the permits."""
    op.add_column("merchant", sa.Column("sync", sa.Boolean(), nullable=False, server_default=sa.true()))
    for table in ("merchant", "owner"):
        op.add_column(table, sa.Column("remove_events", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "calendar_permit",
        sa.Column("merchant", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("owner_id", sa.String(), primary_key=True),
        sa.Column("since", INSTANT, primary_key=True),
        sa.Column("calendar_id", sa.String()),
        sa.ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )


def downgrade() -> None:
    """Remove the switches and the permits."""
    op.drop_table("calendar_permit")
    for table in ("owner", "merchant"):
        op.drop_column(table, "remove_events")
    op.drop_column("merchant", "sync")
