"""Debts: what was added to events by hand, at which level they were written, why a calendar or a reading fails."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns. The level of events that exist is unknown, so a change of it reaches all of them."""
    op.add_column("synced_event", sa.Column("touched", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("synced_event", sa.Column("guest_data", sa.String()))
    op.add_column("owner", sa.Column("reason", sa.String()))
    op.add_column("busy_reading", sa.Column("failing_since", sa.DateTime(timezone=True)))
    op.add_column("busy_reading", sa.Column("call_failed", sa.Boolean()))


def downgrade() -> None:
    """Remove the columns."""
    for name in ("call_failed", "failing_since"):
        op.drop_column("busy_reading", name)
    op.drop_column("owner", "reason")
    with op.batch_alter_table("synced_event") as batch:
        for name in ("guest_data", "touched"):
            batch.drop_column(name)
